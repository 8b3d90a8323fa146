"""What every list, every single thing shown, and every removal have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import typer

from bestguess.cli import columns
from bestguess.cli.output import interactive, put_json, say, shown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from pydantic import BaseModel

Each = TypeVar("Each", bound="BaseModel")


def put_all(
    found: Iterable[Each], titles: Sequence[str], row: Callable[[Each], Sequence[str]], *, json: bool, none: str = ""
) -> None:
    """Write a list: as JSON a line each as soon as it is there, else as a table; `none` is said where it is empty."""
    if json:
        for each in found:
            put_json(each.model_dump(mode="json"), indent=None)
        return
    rows = [row(each) for each in found]
    if rows:
        columns.put(titles, rows)
    else:
        say(none)


def put_one(found: Each, facts: Callable[[Each], Iterable[str]], *, json: bool) -> None:
    """Write one thing: as JSON, or a line for each fact."""
    if json:
        put_json(found.model_dump(mode="json"))
        return
    for line in facts(found):
        typer.echo(shown(line))


def confirm_removal(name: str, *, yes: bool, hint: str) -> None:
    """Ask whether something is to be removed.

    Raises:
        typer.BadParameter: nobody can be asked; `hint` is the argument that names it.
        typer.Abort: it is not.
    """
    if not yes and not interactive():
        raise typer.BadParameter("nobody can be asked here; say --yes", param_hint=hint)
    if not yes:
        typer.confirm(f"Remove {shown(name)} for good?", abort=True, err=True)
