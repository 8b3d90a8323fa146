"""Bars on a terminal's standard error, for as long as something goes on; nothing where that is no terminal."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Self

from bestguess.cli.output import console, shown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rich.progress import Progress

    from bestguess.schemas.jobs import Event, Job

NARROW = 60  # columns; below there is no room for more than the essentials


def bars(*columns: str, hidden: bool = False) -> Progress:
    """Make a bar with texts behind it; what goes into a pipe meanwhile goes there, and not to the terminal."""
    from rich.progress import BarColumn, Progress, TextColumn

    err = console(stderr=True)
    err.soft_wrap = False  # what is drawn again and again has to know where its lines end
    wide = err.width >= NARROW
    return Progress(
        BarColumn(None if wide else 8, complete_style="cyan", finished_style="green"),
        *map(TextColumn, columns),
        console=err,
        transient=True,
        expand=wide,
        disable=hidden or not sys.stderr.isatty(),
        redirect_stdout=sys.stdout.isatty(),
    )


@contextmanager
def over(total: int, *, hidden: bool) -> Iterator[Callable[[], None]]:
    """Show how many of so many pictures are done; the block is given what says that one more is."""
    with bars("{task.completed}/{task.total}", hidden=hidden) as bar:
        task = bar.add_task("", total=total)
        yield lambda: bar.advance(task)


class JobBar:
    """How far a job is, live: its state, steps, accuracy and the time left."""

    def __init__(self, job: Job) -> None:
        wide = console(stderr=True).width >= NARROW
        self._bar = bars("{task.fields[words]}", *(("{task.fields[left]}",) if wide else ()))
        self._task = self._bar.add_task("", total=None, words=str(job.status), left="")
        self._total = int(job.params.get("steps") or 0) or None

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def show(self, event: Event) -> None:
        """Show what has happened."""
        if event.type != "progress":
            self._bar.update(self._task, words=shown(event.type))
            return
        told = event.data
        total = told.get("total_steps") or self._total
        left = told.get("eta_seconds")
        self._bar.update(
            self._task,
            total=total,
            completed=told.get("step", 0),
            words=progress_words(told),
            left="" if left is None else f"{left:.0f} s left",
        )


def progress_words(told: dict[str, object]) -> str:
    """Say how far a training is, and how well it does."""
    words = f"{told.get('step', 0)}/{told.get('total_steps', '?')}"
    accuracy = told.get("train_accuracy")
    if told.get("total_epochs"):
        words = f"epoch {told.get('epoch') or 0}/{told['total_epochs']}" if told.get("step") else "preparing"
        accuracy = told.get("validation_accuracy") or accuracy
    return words + (f" {100 * accuracy:.1f} %" if isinstance(accuracy, float | int) else "")
