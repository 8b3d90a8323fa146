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

    findings = list(run_checks())
    well = healthy(findings)
    if as_json:
        print_json({"ok": well, "findings": [asdict(finding) for finding in findings]})
    else:
        _print_findings(findings, well)
    raise typer.Exit(0 if well else exit_codes.FAILED)


def _print_findings(findings: Sequence[CheckResult], well: bool) -> None:
    from rich.text import Text

    table = make_table(("", "ABOUT", "FOUND", "WHAT TO DO"), ())
    for finding in findings:
        verdict = Text(finding.verdict, STYLES[finding.verdict])
        table.add_row(verdict, *map(printable, (finding.about, finding.found, finding.action)))
    print_table(table, fold=True)
    verdicts = [finding.verdict.value for finding in findings]
    summary = "Nothing is wrong" if well else f"{verdicts.count('wrong')} wrong"
    typer.echo(f"\n{summary}, {verdicts.count('warning')} warnings.")
