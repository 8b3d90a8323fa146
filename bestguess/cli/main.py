"""The command `bestguess`: its groups, and what an error of any of them becomes, one line and an exit code."""

from __future__ import annotations

import os
import sys
from shutil import get_terminal_size
from typing import TYPE_CHECKING, Annotated

import typer

from bestguess.cli import (
    classify,
    datasets,
    digit,
    doctor,
    exit_codes,
    finetune,
    jobs,
    keys,
    models,
    service,
    train,
    weights,
)
from bestguess.cli.output import say

if TYPE_CHECKING:
    from collections.abc import Sequence

HELP_COLUMNS = 90

cli = typer.Typer(
    name="bestguess",
    help="What is this picture of? VGG16's ten best guesses, and networks of your own.",
    epilog=exit_codes.EPILOG,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # plain help starts twice as fast, and can be read in 40 columns
)
cli.command(epilog=classify.EPILOG)(classify.classify)
cli.command(epilog=digit.EPILOG)(digit.digit)
cli.command(epilog=train.EPILOG)(train.train)
cli.command(epilog=finetune.EPILOG)(finetune.finetune)
cli.add_typer(datasets.app, name="datasets")
cli.add_typer(jobs.app, name="jobs")
cli.add_typer(models.app, name="models")
cli.command(epilog=service.UP_EPILOG)(service.up)
cli.command(epilog=service.API_EPILOG)(service.api)
cli.command(epilog=service.WORKER_EPILOG)(service.worker)
cli.add_typer(weights.app, name="weights")
cli.add_typer(keys.app, name="keys")
cli.command(epilog=doctor.EPILOG)(doctor.doctor)


def _print_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

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


def main() -> None:
    """Run the command line on what was typed."""
    sys.exit(run())


def run(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return its exit code."""
    try:
        code = _outcome(arguments)
        sys.stdout.flush()
    except (BrokenPipeError, SystemExit) as error:
        if not isinstance(error if isinstance(error, BrokenPipeError) else error.__context__, BrokenPipeError):
            raise  # Typer makes a SystemExit of its own of a broken pipe
        # What Python would still write at its end goes nowhere; it would complain otherwise.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return exit_codes.BROKEN_PIPE
    return code


def _outcome(arguments: Sequence[str] | None) -> int:
    try:
        columns = min(HELP_COLUMNS, get_terminal_size().columns)
        return cli(arguments, prog_name="bestguess", standalone_mode=False, terminal_width=columns) or 0
    except typer.TyperException as error:
        say(f"{error.format_message().rstrip('.')}.{_hint(error)}")
        return error.exit_code
    except (typer.Abort, KeyboardInterrupt):
        return exit_codes.INTERRUPTED
    except BrokenPipeError:
        raise
    except OSError as error:
        say(f"{error.filename}: {error.strerror}" if error.filename is not None else str(error))
        return exit_codes.FAILED
    except Exception as error:
        from bestguess.client import BestGuessError

        if not isinstance(error, BestGuessError):
            raise
        say(told(error))
        return exit_codes.code_of(error)


def told(error: Exception) -> str:
    """Say what is wrong, and what to do where nothing answers."""
    from bestguess.client import ServiceUnreachable

    if isinstance(error, ServiceUnreachable) and not error.sent:
        return f"{error}. Start the service with `bestguess up`, or say where it is with --url."
    return str(error)


def _hint(error: typer.TyperException) -> str:
    """Name the help of the command that was used wrongly."""
    context: typer.Context | None = getattr(error, "ctx", None)
    return f" See `{context.command_path} --help`." if context else ""
