"""The command `bestguess`: its commands, and the one line and exit code that each error becomes."""

from __future__ import annotations

import os
import sys
from shutil import get_terminal_size
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bestguess.cli import classify, datasets, doctor, exit_codes, jobs, keys, models, requires, service, train, weights
from bestguess.cli.output import note

if TYPE_CHECKING:
    from collections.abc import Sequence

HELP_COLUMNS = 90

cli = typer.Typer(
    name="bestguess",
    help="What is this picture of? Ask a running service, and train networks of your own.",
    epilog=exit_codes.EPILOG,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # plain help starts twice as fast, and is readable in 40 columns
)
cli.command(epilog=classify.CLASSIFY_EPILOG)(classify.classify)
cli.command(epilog=classify.DIGIT_EPILOG)(classify.digit)
cli.command(epilog=train.TRAIN_EPILOG)(train.train)
cli.command(epilog=train.FINETUNE_EPILOG)(train.finetune)
cli.add_typer(datasets.app, name="datasets")
cli.add_typer(jobs.app, name="jobs")
cli.add_typer(models.app, name="models")
cli.command(epilog=service.UP_EPILOG)(service.up)
cli.command(epilog=service.API_EPILOG)(service.api)
cli.command(epilog=service.WORKER_EPILOG)(service.worker)
cli.add_typer(weights.app, name="weights")
cli.add_typer(keys.app, name="keys")
cli.command(epilog=doctor.EPILOG)(doctor.doctor)


# What Typer raises for wrong usage: click's ClickException up to Typer 0.25, Typer's own copy of it from 0.26 on, and
# only since 0.28 with a public name, TyperException.
UsageError: type[Exception] = typer.BadParameter.__mro__[2]


def _print_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"bestguess {version('bestguess')}")
        raise typer.Exit


@cli.callback()
def options(
    *,
    _version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Declare the options that come before any command."""


def main() -> None:
    """Run the command line with the process's arguments."""
    sys.exit(run())


def run(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return its exit code."""
    try:
        code = _run(arguments)
        sys.stdout.flush()
    except (BrokenPipeError, SystemExit) as error:
        if not isinstance(error if isinstance(error, BrokenPipeError) else error.__context__, BrokenPipeError):
            raise  # Typer turns a broken pipe into a SystemExit of its own
        # What Python still flushes at exit goes to /dev/null; into the closed pipe it would fail again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return exit_codes.BROKEN_PIPE
    return code


def _run(arguments: Sequence[str] | None) -> int:
    try:
        columns = min(HELP_COLUMNS, get_terminal_size().columns)
        return cli(arguments, prog_name="bestguess", standalone_mode=False, terminal_width=columns) or 0
    except (typer.Abort, KeyboardInterrupt):
        return exit_codes.INTERRUPTED
    except BrokenPipeError:
        raise
    except OSError as error:
        note(f"{error.filename}: {error.strerror}" if error.filename is not None else str(error))
        return exit_codes.FAILED
    except Exception as error:
        if isinstance(error, UsageError):
            return _report_usage(error)
        from bestguess.client import BestGuessError

        if not isinstance(error, BestGuessError):
            raise
        note(_explain(error))
        return exit_codes.exit_code_of(error)


def _report_usage(error: Any) -> int:  # noqa: ANN401 - see UsageError
    """Print what is wrong with the command, and where its help is; return the exit code."""
    context: typer.Context | None = getattr(error, "ctx", None)
    hint = f" See `{context.command_path} --help`." if context else ""
    note(f"{error.format_message().rstrip('.')}.{hint}")
    code: int = error.exit_code
    return code


def _explain(error: Exception) -> str:
    """Return the error's message, and what to do if nothing answers."""
    from bestguess.client import ServiceUnreachable

    if isinstance(error, ServiceUnreachable) and not error.sent:
        where = "say where the service is with --url or BESTGUESS_URL"
        if not requires.has_service():
            return f"{error}. It needs a running service: {where}."
        return f"{error}. Start the service with `bestguess up`, or {where}."
    return str(error)
