"""`bestguess doctor`, as it is typed."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from bestguess.cli import exit_codes
from bestguess.cli.options import examples
from bestguess.cli.output import put_json

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.doctor.finding import Finding

EPILOG = examples("bestguess doctor", "bestguess doctor --json")
SIGNS = {"ok": "[green]ok[/]", "warning": "[yellow]warning[/]", "wrong": "[bold red]wrong[/]"}


def doctor(as_json: Annotated[bool, typer.Option("--json", help="JSON, for programs.")] = False) -> None:
    """Look at all that an operator gets wrong, and say what to do: exit code 1 if something is wrong, else 0."""
    from app.doctor.examination import examine, healthy

    findings = list(examine())
    well = healthy(findings)
    if as_json:
        put_json({"ok": well, "findings": [asdict(finding) for finding in findings]})
    else:
        show(findings, well)
    raise typer.Exit(0 if well else exit_codes.FAILED)


def show(findings: Sequence[Finding], well: bool) -> None:
    """Print the table, and one line that sums it up."""
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="dim")
    for heading in ("", "about", "found", "what to do"):
        table.add_column(heading, overflow="fold")  # paths and names are whole, or nobody can copy them
    for finding in findings:
        table.add_row(SIGNS[finding.verdict], *map(escape, (finding.about, finding.found, finding.action)))
    console = Console()
    console.print(table)
    verdicts = [finding.verdict.value for finding in findings]
    summary = "Nothing is wrong" if well else f"{verdicts.count('wrong')} wrong"
    console.print(f"\n{summary}, {verdicts.count('warning')} warnings.")
