"""A few facts about each of many: a line each where there is room, else one below the other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bestguess.cli.format import cells
from bestguess.cli.output import console, shown

if TYPE_CHECKING:
    from collections.abc import Sequence

GAP = "  "


def put(titles: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Write rows under their titles; into a pipe each is one line, however long."""
    out = console()
    for line in laid_out(titles, rows, out.width if out.is_terminal else None):
        out.print(line)


def laid_out(titles: Sequence[str], rows: Sequence[Sequence[str]], columns: int | None) -> list[str]:
    """Lay rows out within so many columns, or within none."""
    texts = [[shown(cell) for cell in row] for row in rows]
    widths = [max(map(cells, column)) for column in zip(titles, *texts, strict=True)]
    if columns is not None and sum(widths) + len(GAP) * (len(widths) - 1) > columns:
        return [line for row in texts for line in _stacked(titles, row)]
    return [_line(row, widths) for row in (list(titles), *texts)]


def _line(row: Sequence[str], widths: Sequence[int]) -> str:
    return GAP.join(cell + " " * (wide - cells(cell)) for cell, wide in zip(row, widths, strict=True)).rstrip()


def _stacked(titles: Sequence[str], row: Sequence[str]) -> list[str]:
    facts = [f"  {title.lower()}: {cell}" for title, cell in zip(titles[1:], row[1:], strict=True) if cell]
    return [row[0], *facts]
