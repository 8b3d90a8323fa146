"""Watching a job to its end: a live bar, lines or JSON; and what Ctrl-C means meanwhile."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import typer

from bestguess.cli import exit_codes
from bestguess.cli.outcomes import FINETUNE, Epochs, next_step, outcome
from bestguess.cli.output import blocks, dumped, interactive, put_json, say, shown, width
from bestguess.cli.progress import JobBar, progress_words

if TYPE_CHECKING:
    from bestguess.client import Client
    from bestguess.schemas.jobs import Event, Job

SETTLES = 15.0  # seconds in which a cancelled job has to have ended; it promises ten


def queued(client: Client, job: Job, *, watch: bool, json: bool) -> None:
    """Say which job it is that was just queued, and show it if it is to be watched."""
    if json and not watch:
        put_json(job.model_dump(mode="json"))
    elif not json:
        typer.echo(shown(job.id))
    if watch:
        follow(client, job, json=json)


def follow(client: Client, job: Job, *, json: bool) -> None:
    """Show a job until it ends, and leave with 0 if it has succeeded.

    Raises:
        typer.Exit: always.
    """
    try:
        _show(client, job, json=json)
    except KeyboardInterrupt:
        _interrupted(client, job.id)
        raise typer.Exit(exit_codes.INTERRUPTED) from None
    ended = client.job(job.id)
    if not json:
        conclude(ended)
    raise typer.Exit(0 if ended.status == "succeeded" else exit_codes.FAILED)


def conclude(job: Job) -> None:
    """Say how a job has ended, and what can be done with what it leaves."""
    if job.status == "failed" and job.error:
        say(f"{job.id} failed: {job.error.detail}")
    elif job.status != "succeeded":
        say(f"{job.id} is {job.status}")
    else:
        typer.echo(f"{shown(job.id)} succeeded: {outcome(job)}")
        typer.echo(next_step(job))


def _show(client: Client, job: Job, *, json: bool) -> None:
    line = _Lines(job, json=json)
    if json or not sys.stderr.isatty():
        for event in client.events(job.id):
            _write(line(event))
        return
    with JobBar(job) as bar:
        for event in client.events(job.id):
            bar.show(event)
            if job.kind == FINETUNE and event.type == "progress":
                _write(line(event))  # above the bar, and it stays


def _write(text: str) -> None:
    if text:
        sys.stdout.write(text)
        sys.stdout.flush()


class _Lines:
    """Writes events as lines, or as none where they say nothing new to a person."""

    def __init__(self, job: Job, *, json: bool) -> None:
        self._json, self._last = json, ""
        self._epochs = Epochs() if job.kind == FINETUNE else None

    def __call__(self, event: Event) -> str:
        line = dumped(event.model_dump(mode="json")) if self._json else self._words(event)
        new, self._last = line if line != self._last else "", line or self._last
        return new

    def _words(self, event: Event) -> str:
        if event.type != "progress":
            return f"{event.type}\n" if event.type in {"started", "retried", "cancelling"} else ""
        if self._epochs:
            return self._epochs.heard(event.data, columns=width(), blocks=blocks())
        return f"{progress_words(event.data)}\n"


def _interrupted(client: Client, job_id: str) -> None:
    """Ask whether the job is to end as well, where somebody can answer; a second Ctrl-C leaves."""
    try:
        if interactive() and typer.confirm("Cancel the job as well?", default=False, err=True):
            client.cancel(job_id)
            say(f"{job_id} is {client.wait(job_id, SETTLES).status}")
            return
    except (KeyboardInterrupt, typer.Abort):
        sys.stderr.write("\n")
    say(f"{job_id} goes on. `bestguess jobs watch {job_id}` shows it again, `bestguess jobs cancel {job_id}` ends it.")
