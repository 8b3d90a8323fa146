"""The confusion matrix as a heat map."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vision.pictures.lettering import width_of
from vision.pictures.report.style import ink_on, mixed
from vision.pictures.sheet import BEST, WRONG, Box, Text

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from vision.pictures.report.grid import Grid
    from vision.pictures.sheet import Shape

EMPTY, PALE_BEST, PALE_WRONG = "#f4f6f8", "#dbe7fd", "#fde6d8"
SMALLEST, LARGEST = 7, 24  # font sizes in pixels


def cells(grid: Grid, matrix: Sequence[Sequence[int]]) -> Iterator[Shape]:
    """Draw what is right in blue, by its part of the row, and mistakes in orange, by their number.

    One colour scale for both would leave the mistakes of a good network as white as its zeros.
    """
    mistakes = [count for row, counts in enumerate(matrix) for column, count in enumerate(counts) if row != column]
    most = max(mistakes, default=0)
    letters = _letters([count for counts in matrix for count in counts], grid.cell)
    for row, counts in enumerate(matrix):
        for column, count in enumerate(counts):
            if row == column:
                yield from _cell(grid, row, column, count, count / max(1, sum(counts)), letters)
            else:
                yield from _cell(grid, row, column, count, count / max(1, most), letters)


def _cell(  # noqa: PLR0913, PLR0917 - a place, a number, and how both look
    grid: Grid, row: int, column: int, count: int, part: float, letters: int
) -> Iterator[Shape]:
    x, y = grid.x + column * grid.cell, grid.y + row * grid.cell
    scale = (PALE_BEST, BEST) if row == column else (PALE_WRONG, WRONG)
    colour = mixed(*scale, part) if count else EMPTY
    yield Box(x + 0.5, y + 0.5, grid.cell - 1, grid.cell - 1, colour, min(3, grid.cell / 8))
    if count:
        words = _short(count, letters, grid.cell)
        yield Text(x + grid.cell / 2, grid.baseline(row, letters), letters, ink_on(colour), words, "middle")


def _letters(counts: Sequence[int], cell: float) -> int:
    """Find the largest letters in which every count fits its cell."""
    largest = min(LARGEST, int(cell * 0.42))
    longest = str(max(counts))
    fitting = (size for size in range(largest, SMALLEST, -1) if width_of(longest, size) <= cell * 0.84)
    return next(fitting, SMALLEST)


def _short(count: int, letters: int, cell: float) -> str:
    return str(count) if width_of(str(count), letters) <= cell - 2 else f"{count / 1000:.0f}k"
