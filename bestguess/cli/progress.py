"""The progress of jobs, live: a bar on a terminal, lines or JSON in a pipe, and what Ctrl-C does meanwhile."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Self

import typer

from bestguess.cli import exit_codes
from bestguess.cli.format import bar, percent, printable
from bestguess.cli.output import (
    NARROW,
    WIDEST,
    is_interactive,
    make_console,
    note,
    print_json,
    supports_blocks,
    terminal_width,
    to_json,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from rich.progress import Progress

    from bestguess.client import Client
    from bestguess.schemas.jobs import Event, Job

FINETUNE = "finetune"
CANCEL_SECONDS = 15.0  # a cancelled job ends within ten
EPOCH_TITLES = f"{'EPOCH':>7}  {'ACCURACY':>9}  {'VALIDATION':>10}  {'LOSS':>7}"
SHORTEST_EPOCH_BAR, LONGEST_EPOCH_BAR = 9, 30  # columns


def print_queued(client: Client, job: Job, *, watch: bool, json: bool) -> None:
    """Print the id of a job that was just queued, and watch it if asked to."""
    if json and not watch:
        print_json(job.model_dump(mode="json"))
    elif not json:
        typer.echo(printable(job.id))
    if watch:
        watch_job(client, job, json=json)


def watch_job(client: Client, job: Job, *, json: bool) -> None:
    """Show a job until it ends; the exit code is 0 if it succeeds.

    Raises:
        typer.Exit: always.
    """
    try:
        _show(client, job, json=json)
    except KeyboardInterrupt:
        _offer_to_cancel(client, job.id)
        raise typer.Exit(exit_codes.INTERRUPTED) from None
    ended = client.job(job.id)
    if not json:
        _print_end(ended)
    raise typer.Exit(0 if ended.status == "succeeded" else exit_codes.FAILED)


def accuracy_of(result: Mapping[str, Any], default: object = None) -> object:
    """Return the accuracy on data that was not trained on: the test images', or else the validation's."""
    found = (result.get(name) for name in ("test_accuracy", "validation_accuracy"))
    return next((accuracy for accuracy in found if accuracy is not None), default)


def outcome(job: Job) -> str:
    """Return how accurate the network is that a finished job has trained."""
    result = job.result or {}
    name = printable((result.get("dataset") or {}).get("name", "its data"))
    accuracy = accuracy_of(result)
    if not isinstance(accuracy, float | int):
        trained = result.get("train_accuracy")
        return f"{percent(trained)} of what it learned from is right" if trained else "its accuracy is not known"
    if job.kind != FINETUNE:
        return f"{percent(accuracy)} of the test images of {name} are right"
    text = f"{percent(accuracy)} of the photographs of {name} that it has not learned from are right"
    text += f" (epoch {result.get('best_epoch')} of {result.get('epochs')} is kept)"
    random = (result.get("root_weights") or {}).get("origin") == "random"
    return f"{text}; it began with random weights" if random else text


@contextmanager
def count_up(total: int, *, hidden: bool) -> Iterator[Callable[[], None]]:
    """Show how many of `total` are done; the block gets the function that counts one more."""
    with _make_bar("{task.completed}/{task.total}", hidden=hidden) as progress:
        task = progress.add_task("", total=total)
        yield lambda: progress.advance(task)


class EpochTable:
    """The table of a fine-tuning, which grows by a row with each epoch."""

    def __init__(self) -> None:
        self._last = 0

    def add(self, progress: Mapping[str, Any], *, width: int, blocks: bool) -> str:
        """Return the lines to print after a progress event: none, if its epoch has its row already."""
        epoch = int(progress.get("epoch") or 0)
        if epoch <= self._last:
            return ""
        titles = "" if self._last else f"{EPOCH_TITLES}\n"
        self._last = epoch
        return f"{titles}{epoch_row(progress, width=width, blocks=blocks)}\n"


def epoch_row(progress: Mapping[str, Any], *, width: int, blocks: bool) -> str:
    """Return one epoch's row, with a bar of its accuracy if there is room."""
    train, validation, loss = (progress.get(name) for name in ("train_accuracy", "validation_accuracy", "loss"))
    epoch = f"{progress.get('epoch')}/{progress.get('total_epochs', '?')}"
    row = f"{epoch:>7}  {percent(train):>9}  {percent(validation):>10}  {'' if loss is None else f'{loss:.4f}':>7}"
    accuracy = train if validation is None else validation
    room = min(LONGEST_EPOCH_BAR, width - len(row) - 2)
    if accuracy is not None and room >= SHORTEST_EPOCH_BAR:
        row += "  " + bar(accuracy, room, blocks=blocks)
    return row.rstrip()


def _show(client: Client, job: Job, *, json: bool) -> None:
    lines = _EventLines(job, json=json)
    if json or not sys.stderr.isatty():
        for event in client.events(job.id):
            _write(lines.add(event))
        return
    with _JobBar(job) as progress:
        for event in client.events(job.id):
            progress.show(event)
            if job.kind == FINETUNE and event.type == "progress":
                _write(lines.add(event))  # above the bar, where it stays


def _write(text: str) -> None:
    if text:
        sys.stdout.write(text)
        sys.stdout.flush()


def _print_end(job: Job) -> None:
    """Print how a job has ended, and the command that uses what it has trained."""
    if job.status == "failed" and job.error:
        note(f"{job.id} failed: {job.error.detail}")
    elif job.status != "succeeded":
        note(f"{job.id} is {job.status}")
    else:
        typer.echo(f"{printable(job.id)} succeeded: {outcome(job)}")
        typer.echo(f"Ask it: bestguess {_usage(job)}")


def _usage(job: Job) -> str:
    model = printable(job.id)
    return f"classify --model {model} photo.jpg" if job.kind == FINETUNE else f"digit FILE --model {model}"


def _offer_to_cancel(client: Client, job_id: str) -> None:
    """Ask whether to cancel the job as well, if a person can answer; a second Ctrl-C leaves it running."""
    try:
        if is_interactive() and typer.confirm("Cancel the job as well?", default=False, err=True):
            client.cancel(job_id)
            note(f"{job_id} is {client.wait(job_id, CANCEL_SECONDS).status}")
            return
    except (KeyboardInterrupt, typer.Abort):
        sys.stderr.write("\n")
    note(f"{job_id} goes on. `bestguess jobs watch {job_id}` shows it again, `bestguess jobs cancel {job_id}` ends it.")


class _EventLines:
    """Turns events into lines: all of them as JSON, or for people those that say something new."""

    def __init__(self, job: Job, *, json: bool) -> None:
        self._json, self._last = json, ""
        self._epochs = EpochTable() if job.kind == FINETUNE else None

    def add(self, event: Event) -> str:
        """Return the line to print for an event, or an empty string."""
        line = to_json(event.model_dump(mode="json")) if self._json else self._text(event)
        new, self._last = line if line != self._last else "", line or self._last
        return new

    def _text(self, event: Event) -> str:
        if event.type != "progress":
            return f"{event.type}\n" if event.type in {"started", "retried", "cancelling"} else ""
        if self._epochs:
            return self._epochs.add(event.data, width=terminal_width() or WIDEST, blocks=supports_blocks())
        return f"{_summary(event.data)}\n"


class _JobBar:
    """A live bar with a job's state, steps, accuracy and the time left."""

    def __init__(self, job: Job) -> None:
        wide = make_console(stderr=True).width >= NARROW
        self._bar = _make_bar("{task.fields[summary]}", *(("{task.fields[left]}",) if wide else ()))
        self._task = self._bar.add_task("", total=None, summary=str(job.status), left="")
        self._total = int(job.params.get("steps") or 0) or None

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def show(self, event: Event) -> None:
        """Update the bar."""
        if event.type != "progress":
            self._bar.update(self._task, summary=printable(event.type))
            return
        left = event.data.get("eta_seconds")
        self._bar.update(
            self._task,
            total=event.data.get("total_steps") or self._total,
            completed=event.data.get("step", 0),
            summary=_summary(event.data),
            left="" if left is None else f"{left:.0f} s left",
        )


def _make_bar(*columns: str, hidden: bool = False) -> Progress:
    """Return a bar on standard error followed by text columns; it is hidden where standard error is no terminal."""
    from rich.progress import BarColumn, Progress, TextColumn

    console = make_console(stderr=True)
    console.soft_wrap = False  # a bar that is redrawn has to know where its lines end
    wide = console.width >= NARROW
    return Progress(
        BarColumn(None if wide else 8, complete_style="cyan", finished_style="green"),
        *map(TextColumn, columns),
        console=console,
        transient=True,
        expand=wide,
        disable=hidden or not sys.stderr.isatty(),
        redirect_stdout=sys.stdout.isatty(),  # a pipe gets its lines directly
    )


def _summary(progress: Mapping[str, object]) -> str:
    """Return how far a training is, and its accuracy."""
    text = f"{progress.get('step', 0)}/{progress.get('total_steps', '?')}"
    accuracy = progress.get("train_accuracy")
    if progress.get("total_epochs"):
        epoch = f"epoch {progress.get('epoch') or 0}/{progress['total_epochs']}"
        text = epoch if progress.get("step") else "preparing"
        accuracy = progress.get("validation_accuracy") or accuracy
    return text + (f" {100 * accuracy:.1f} %" if isinstance(accuracy, float | int) else "")
