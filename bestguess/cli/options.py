"""Options that many commands have, and how examples are written into `--help`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from bestguess.cli import exit_codes
from bestguess.cli.completion import datasets, finished_jobs, jobs, models

Url = Annotated[
    str | None,
    typer.Option(
        "--url",
        envvar="BESTGUESS_URL",
        help="Where the service is; without it this machine, port BESTGUESS_PORT or 8000.",
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
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
Watch = Annotated[bool, typer.Option("--watch", "-w", help="Show it live until it ends.")]
Key = Annotated[
    str | None,
    typer.Option("--key", help="An Idempotency-Key: the same one and the same options give the same job."),
]
Model = Annotated[
    str | None, typer.Option("--model", help="Insist on a model, by its id or alias.", autocompletion=models)
]
TopK = Annotated[int | None, typer.Option("--top-k", min=1, max=1000, help="How many guesses.  (default: 10)")]
MinScore = Annotated[
    float | None, typer.Option("--min-score", min=0, max=1, help="Leave out guesses below this score, 0 to 1.")
]
Fit = Annotated[
    Literal["crop", "stretch"] | None,
    typer.Option("--fit", help="The photo's centre, or the whole squeezed to a square.  (default: crop)"),
]
Save = Annotated[
    Path | None, typer.Option("--save", metavar="FILE", help="Also draw it, into a .png or .svg.", dir_okay=False)
]


def decided(
    help: str,  # noqa: A002 - Typer's own names
    default: object,
    min: float | None = None,  # noqa: A002
    max: float | None = None,  # noqa: A002
) -> Any:  # noqa: ANN401 - as Typer has it
    """Make an option that the service decides where nobody does; `default` is what it does then."""
    return typer.Option(help=f"{help}  (default: {default})", show_default=False, min=min, max=max)


def examples(*lines: str) -> str:
    """Write an epilog: the examples as they are typed, then the exit codes."""
    return "\n\n".join(("\b\nExamples:\n" + "\n".join(f"  {line}" for line in lines), exit_codes.EPILOG))


def kind_of(save: Path | None) -> str:
    """Say what kind of picture a file name asks for.

    Raises:
        typer.BadParameter: neither .png nor .svg, or in no folder that there is.
    """
    kind = save.suffix.lower().removeprefix(".") if save else "svg"
    if kind not in {"png", "svg"}:
        raise typer.BadParameter("name a file that ends in .png or .svg", param_hint="--save")
    if save and not save.parent.is_dir():
        raise typer.BadParameter(f"there is no folder {save.parent}", param_hint="--save")
    return kind
