"""Where the confusion matrix's cells and its classes' names are; the bars beside it keep to its rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from vision.pictures.lettering import fitted, width_of
from vision.pictures.report.style import SMALL, TEXT
from vision.pictures.sheet import INK, Text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vision.pictures.sheet import Shape

LONGEST_NAME = 100  # pixels
SPACE = 8  # pixels between a name and the cells


@dataclass(frozen=True, slots=True)
class Grid:
    """Square cells from (x, y): so many each way, `cell` pixels wide; `letters` is the names' font size."""

    x: float
    y: float
    cell: float
    count: int
    letters: int

    @property
    def right(self) -> float:
        """Where the last column ends."""
        return self.x + self.cell * self.count

    def middle(self, row: int) -> float:
        """How far the middle of a row or column is from the first one's start."""
        return (row + 0.5) * self.cell

    def baseline(self, row: int, letters: int) -> float:
        """Where letters of a size stand in the middle of a row."""
        return self.y + self.middle(row) + letters * 0.36  # half the height of a capital or a digit

    @classmethod
    def within(cls, names: Sequence[str], x: float, y: float, width: float, height: float) -> Grid:
        """Make the cells as large as the names beside them and above them permit."""
        longest = min(LONGEST_NAME, max(width_of(name, TEXT) for name in names)) + SPACE
        above: float = SMALL + SPACE
        cell = min(width - longest, height - above) / len(names)
        if longest > cell:
            above = longest
            cell = min(width - longest, height - above) / len(names)
        return cls(x + longest, y + above, cell, len(names), min(TEXT, int(cell * 0.75)))


def names_of(grid: Grid, names: Sequence[str]) -> list[Shape]:
    """Write the names beside the rows, and above the columns: upright if one is wider than its column."""
    upwards = max(width_of(name, grid.letters) for name in names) + SPACE / 2 > grid.cell
    shapes: list[Shape] = []
    for index, name in enumerate(names):
        word, size = fitted(name, grid.letters, LONGEST_NAME), grid.letters
        shapes.append(Text(grid.x - SPACE, grid.baseline(index, size), size, INK, word, "end"))
        across = grid.x + grid.middle(index) + (size * 0.36 if upwards else 0)
        shapes.append(Text(across, grid.y - SPACE, size, INK, word, "start" if upwards else "middle", upwards))
    return shapes
