"""`bestguess jobs`: what is being trained, was, or waits."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from bestguess.cli import exit_codes
from bestguess.cli.options import JobId, Json, Url, examples

if TYPE_CHECKING:
    from bestguess.schemas.jobs import Job

app = typer.Typer(help="List, show, watch and cancel training jobs.", no_args_is_help=True, epilog=exit_codes.EPILOG)

Status = Annotated[
    Literal["queued", "running", "cancelling", "succeeded", "failed", "cancelled"] | None,
    typer.Option(help="Only those in this state."),
]
TITLES = ("JOB", "STATE", "STEP", "ACCURACY", "CREATED")


@app.command("list", epilog=examples("bestguess jobs list --status running", "bestguess jobs list --all --json"))
def list_jobs(
    *,
    status: Status = None,
    limit: Annotated[int, typer.Option(min=1, help="How many at most, the newest first.")] = 20,
    every: Annotated[bool, typer.Option("--all", help="All there are.")] = False,
    json: Json = False,
    url: Url = None,
) -> None:
    """List jobs, the newest first. With --json each is a line of JSON."""
    from bestguess.cli.connection import connected
    from bestguess.cli.listing import put_all

    none = "there are no such jobs" if status else "there are no jobs; `bestguess train` makes one"
    with connected(url) as client:
        put_all(itertools.islice(client.jobs(status), None if every else limit), TITLES, _row, json=json, none=none)


@app.command(epilog=examples("bestguess jobs show JOB", "bestguess jobs show JOB --json | jq .result"))
def show(job_id: JobId, *, json: Json = False, url: Url = None) -> None:
    """Show a job: how far it is, how well it does, and how it has ended."""
    from bestguess.cli.connection import connected
    from bestguess.cli.listing import put_one

    with connected(url) as client:
        put_one(client.job(job_id), _facts, json=json)


@app.command(epilog=examples("bestguess jobs watch JOB"))
def watch(job_id: JobId, *, json: Json = False, url: Url = None) -> None:
    """Show a job live until it ends; with --json each event is a line. Ctrl-C asks whether to cancel it."""
    from bestguess.cli.connection import connected
    from bestguess.cli.following import follow

    with connected(url) as client:
        follow(client, client.job(job_id), json=json)


@app.command(epilog=examples("bestguess jobs cancel JOB"))
def cancel(job_id: JobId, *, json: Json = False, url: Url = None) -> None:
    """End a job: a waiting one at once, a running one within two seconds."""
    from bestguess.cli.connection import connected
    from bestguess.cli.output import put_json, shown

    with connected(url) as client:
        job = client.cancel(job_id)
    if json:
        put_json(job.model_dump(mode="json"))
    else:
        typer.echo(f"{shown(job.id)} is {job.status}")


def _row(job: Job) -> tuple[str, ...]:
    from bestguess.cli.outcomes import accuracy_of, percent

    progress = job.progress
    accuracy = accuracy_of(job.result or {}, progress.train_accuracy)
    steps = f"{progress.step}/{progress.total_steps}" if progress.total_steps else ""
    return job.id, str(job.status), steps, percent(accuracy), f"{job.created_at:%Y-%m-%d %H:%M} UTC"


def _facts(job: Job) -> list[str]:
    from bestguess.cli.outcomes import entry_words, outcome

    lines = [f"{job.id}: {job.kind}, {job.status}", f"created {job.created_at:%Y-%m-%d %H:%M:%S} UTC"]
    lines += ["  ".join(f"{name}={value}" for name, value in job.params.items() if value is not None)]
    lines += [entry_words(entry) for entry in job.history]
    lines += [f"Result: {outcome(job)}"] if job.status == "succeeded" else []
    lines += [f"{job.error.code}: {job.error.detail}"] if job.error else []
    return lines
