"""`bestguess jobs`: list, show, watch and cancel training jobs."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from bestguess.cli import exit_codes
from bestguess.cli.format import percent, printable
from bestguess.cli.options import All, JobId, Json, Limit, Url, connect, examples
from bestguess.cli.output import print_item, print_json, print_list
from bestguess.cli.progress import accuracy_of, outcome, watch_job

if TYPE_CHECKING:
    from bestguess.schemas.jobs import EpochEntry, HistoryEntry, Job

app = typer.Typer(help="List, show, watch and cancel training jobs.", no_args_is_help=True, epilog=exit_codes.EPILOG)

Status = Annotated[
    Literal["queued", "running", "cancelling", "succeeded", "failed", "cancelled"] | None,
    typer.Option(help="Only jobs in this state."),
]
TITLES = ("JOB", "STATE", "STEP", "ACCURACY", "CREATED")


@app.command("list", epilog=examples("bestguess jobs list --status running", "bestguess jobs list --all --json"))
def list_jobs(
    *, status: Status = None, limit: Limit = 20, every: All = False, json: Json = False, url: Url = None
) -> None:
    """List jobs, the newest first. With --json each is a line of JSON."""
    empty = "there are no such jobs" if status else "there are no jobs; `bestguess train` makes one"
    with connect(url) as client:
        found = itertools.islice(client.jobs(status), None if every else limit)
        print_list(found, TITLES, _row, json=json, empty=empty)


@app.command(epilog=examples("bestguess jobs show JOB", "bestguess jobs show JOB --json | jq .result"))
def show(job_id: JobId, *, json: Json = False, url: Url = None) -> None:
    """Show a job: its progress, its accuracy, and how it ended."""
    with connect(url) as client:
        print_item(client.job(job_id), _facts, json=json)


@app.command(epilog=examples("bestguess jobs watch JOB"))
def watch(job_id: JobId, *, json: Json = False, url: Url = None) -> None:
    """Show a job's progress until it ends; with --json each event is a line. Ctrl-C asks whether to cancel it."""
    with connect(url) as client:
        watch_job(client, client.job(job_id), json=json)


@app.command(epilog=examples("bestguess jobs cancel JOB"))
def cancel(job_id: JobId, *, json: Json = False, url: Url = None) -> None:
    """Cancel a job: a queued one at once, a running one within two seconds."""
    with connect(url) as client:
        job = client.cancel(job_id)
    if json:
        print_json(job.model_dump(mode="json"))
    else:
        typer.echo(f"{printable(job.id)} is {job.status}")


def _row(job: Job) -> tuple[str, ...]:
    progress = job.progress
    accuracy = accuracy_of(job.result or {}, progress.train_accuracy)
    steps = f"{progress.step}/{progress.total_steps}" if progress.total_steps else ""
    return job.id, str(job.status), steps, percent(accuracy), f"{job.created_at:%Y-%m-%d %H:%MZ}"


def _facts(job: Job) -> list[str]:
    lines = [f"{job.id}: {job.kind}, {job.status}", f"created {job.created_at:%Y-%m-%d %H:%M:%S} UTC"]
    lines += ["  ".join(f"{name}={value}" for name, value in job.params.items() if value is not None)]
    lines += [_entry(entry) for entry in job.history]
    lines += [f"Result: {outcome(job)}"] if job.status == "succeeded" else []
    lines += [f"{job.error.code}: {job.error.detail}"] if job.error else []
    return lines


def _entry(entry: HistoryEntry | EpochEntry) -> str:
    """Return one entry of the training history as a line."""
    epoch, validation = getattr(entry, "epoch", None), getattr(entry, "validation_accuracy", None)
    place = f"step {entry.step}" if epoch is None else f"epoch {epoch}"
    line = f"{place}: {percent(entry.train_accuracy)}, loss {entry.loss:.4f}"
    return line if validation is None else f"{line}, validation {percent(validation)}"
