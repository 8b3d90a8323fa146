"""Options and arguments that several commands share, the client that they configure, and the form of `--help`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bestguess.cli import exit_codes
from bestguess.cli.completion import datasets, finished_jobs, jobs, models
from bestguess.cli.output import note

if TYPE_CHECKING:
    from bestguess.client import BestGuessError, Client

PATIENCE = 30.0  # seconds
WORTH_A_NOTE = 1.0  # seconds; shorter waits are not reported

Url = Annotated[
    str | None,
    typer.Option(
        "--url",
        envvar="BESTGUESS_URL",
        help="The service's address; without it this machine, port BESTGUESS_PORT or 8000.",
        show_default=False,
    ),
]
Patience = Annotated[
    float,
    typer.Option("--patience", min=0, help="Seconds to wait for a service that is busy or not ready; 0: not at all."),
]
Json = Annotated[bool, typer.Option("--json", help="Write JSON, for programs.")]
JobId = Annotated[str, typer.Argument(metavar="JOB", help="A job's id.", autocompletion=jobs)]
ModelId = Annotated[str, typer.Argument(metavar="MODEL", help="A model's id or alias.", autocompletion=models)]
TrainedId = Annotated[
    str, typer.Argument(metavar="MODEL", help="A trained model's id or alias.", autocompletion=finished_jobs)
]
DatasetId = Annotated[str, typer.Argument(metavar="DATASET", help="A data set's id.", autocompletion=datasets)]
Limit = Annotated[int, typer.Option("--limit", min=1, help="How many at most, the newest first.")]
All = Annotated[bool, typer.Option("--all", help="List all of them.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask for confirmation.")]
Watch = Annotated[bool, typer.Option("--watch", "-w", help="Show its progress until it ends.")]
Key = Annotated[
    str | None,
    typer.Option("--key", help="An Idempotency-Key: the same key with the same options returns the same job."),
]
TopK = Annotated[int | None, typer.Option("--top-k", min=1, max=1000, help="How many guesses.  (default: 10)")]
Save = Annotated[
    Path | None,
    typer.Option("--save", metavar="FILE", help="Also save it as a picture, .png or .svg.", dir_okay=False),
]


def service_default(
    help: str,  # noqa: A002 - Typer's own names
    default: object,
    min: float | None = None,  # noqa: A002
    max: float | None = None,  # noqa: A002
) -> Any:  # noqa: ANN401 - as Typer has it
    """Return an option whose default is the service's: `default` is what the help shows for it."""
    return typer.Option(help=f"{help}  (default: {default})", show_default=False, min=min, max=max)


def examples(*lines: str) -> str:
    """Return an epilog for `--help`: examples as they are typed, then the exit codes."""
    return "\n\n".join(("\b\nExamples:\n" + "\n".join(f"  {line}" for line in lines), exit_codes.EPILOG))


def picture_format(save: Path | None) -> str:
    """Return the picture format, `png` or `svg`, that the file name of --save asks for.

    Raises:
        typer.BadParameter: it ends in neither, or its folder does not exist.
    """
    suffix = save.suffix.lower().removeprefix(".") if save else "svg"
    if suffix not in {"png", "svg"}:
        raise typer.BadParameter("name a file that ends in .png or .svg", param_hint="--save")
    if save and not save.parent.is_dir():
        raise typer.BadParameter(f"there is no folder {save.parent}", param_hint="--save")
    return suffix


def save_picture(path: Path, picture: bytes) -> None:
    """Write a picture completely or not at all."""
    from bestguess.client import AtomicFile

    with AtomicFile(path) as file:
        file.write(picture)
        file.keep()


def connect(url: str | None, patience: float = PATIENCE) -> Client:
    """Return a client of the service, which retries for `patience` seconds and says so on a terminal."""
    from bestguess.client import Client, Retries

    return Client(url, retries=Retries(seconds=patience), on_wait=_say_why if sys.stderr.isatty() else None)


def _say_why(error: BestGuessError, seconds: float) -> None:
    if seconds >= WORTH_A_NOTE:
        note(f"{error} Trying again in {seconds:.0f} s.")
