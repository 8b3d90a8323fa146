"""`bestguess`: everything that a person types."""

from __future__ import annotations

import os
import sys
from importlib.metadata import version
from typing import Annotated

import typer

from app.bench import bench
from app.weights_cli import app as weights

cli = typer.Typer(
    name="bestguess",
    help="What is this picture of? VGG16's ten best guesses, and a small network of your own.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
cli.add_typer(weights, name="weights")


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"bestguess {version('bestguess')}")
        raise typer.Exit


@cli.callback()
def options(
    *,
    _version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and leave.")
    ] = False,
) -> None:
    """Take the options that come before any command."""


@cli.command()
def up() -> None:
    """Run the whole service in the foreground: Redis where none is given, and the API. Ctrl-C ends all of it.

    Settings are environment variables, for instance: BESTGUESS_PORT=8080 bestguess up
    """
    from app.up.preflight import PreflightError, checked_settings  # noqa: PLC0415 - other commands start faster without
    from app.up.supervisor import run_up  # noqa: PLC0415

    try:
        code = run_up(checked_settings())
    except PreflightError as error:
        typer.echo(f"bestguess: {error}", err=True)
        raise typer.Exit(error.exit_code) from None
    raise typer.Exit(code)


cli.command()(bench)


@cli.command()
def worker() -> None:
    """Run a worker in the foreground, which trains what is queued at BESTGUESS_REDIS_URL. As many as you like."""
    from jobs.queue import WORKER_COMMAND  # noqa: PLC0415 - other commands start faster without

    os.execv(WORKER_COMMAND[0], WORKER_COMMAND)  # noqa: S606 - our own words


def main() -> None:
    """Run the command line."""
    try:
        cli()
    except KeyboardInterrupt:  # before a command hears signals by itself
        sys.exit(130)
