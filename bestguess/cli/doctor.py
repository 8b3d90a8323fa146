"""`bestguess doctor`: check an installation and say what to do."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from bestguess.cli import exit_codes
from bestguess.cli.format import make_table, printable
from bestguess.cli.options import examples
from bestguess.cli.output import print_json, print_table
from bestguess.cli.requires import require_server

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bestguess.checks import CheckResult

EPILOG = examples("bestguess doctor", "bestguess doctor --json")
STYLES = {"ok": "green", "warning": "yellow", "wrong": "bold red"}


def doctor(as_json: Annotated[bool, typer.Option("--json", help="Write JSON, for programs.")] = False) -> None:
    """Check what is commonly wrong with an installation, and say what to do: exit code 1 if something is wrong."""
    require_server("doctor")
    from bestguess.doctor.doctor import healthy, run_checks

    results = list(run_checks())
    passed = healthy(results)
    if as_json:
        print_json({"ok": passed, "findings": [asdict(result) for result in results]})
    else:
        _print_results(results, passed)
    raise typer.Exit(0 if passed else exit_codes.FAILED)


def _print_results(results: Sequence[CheckResult], passed: bool) -> None:
    from rich.text import Text

    table = make_table(("", "ABOUT", "FOUND", "WHAT TO DO"), ())
    for result in results:
        verdict = Text(result.verdict, STYLES[result.verdict])
        table.add_row(verdict, *map(printable, (result.about, result.found, result.action)))
    print_table(table, fold=True)
    verdicts = [result.verdict.value for result in results]
    summary = "Nothing is wrong" if passed else f"{verdicts.count('wrong')} wrong"
    typer.echo(f"\n{summary}, {verdicts.count('warning')} warnings.")
