"""Precision and recall of each class as bars, in the rows of the confusion matrix."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from vision.pictures.report.style import TEXT, heading
from vision.pictures.sheet import BAR, FAINT, INK, TRACK, WRONG, Box, Text

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from vision.pictures.report.grid import Grid
    from vision.pictures.sheet import Shape

VALUE = 58  # pixels for a percentage
THICKEST = 10  # pixels


@dataclass(frozen=True, slots=True)
class Bars:
    """A column of bars from (x, y) on, headed, with a part in 0 to 1 for each class, None where it is not defined."""

    title: str
    meaning: str
    parts: Sequence[float | None]
    x: float
    y: float
    width: float

    def draw(self, grid: Grid) -> Iterator[Shape]:
        """Draw them beside the grid's rows, with the lowest in orange."""
        yield from heading(self.x, self.y, self.title, self.meaning, self.width)
        defined = [part for part in self.parts if part is not None]
        lowest = min(defined, default=1.0)
        for row, part in enumerate(self.parts):
            yield from self._bar(grid, row, part, low=part == lowest < max(defined))

    def _bar(self, grid: Grid, row: int, part: float | None, *, low: bool) -> Iterator[Shape]:
        full, thick = self.width - VALUE, min(THICKEST, grid.cell * 0.4)
        top = grid.y + grid.middle(row) - thick / 2
        yield Box(self.x, top, full, thick, TRACK, thick / 2)
        if part:
            yield Box(self.x, top, max(thick, full * part), thick, WRONG if low else BAR, thick / 2)
        letters = min(TEXT, int(grid.cell * 0.7))
        ink = FAINT if part is None else WRONG if low else INK
        yield Text(self.x + self.width, grid.baseline(row, letters), letters, ink, _words(part), "end")


def _words(part: float | None) -> str:
    if part is None:
        return "none"
    return f"{100 * (part if part == 1 else min(part, 0.999)):.1f} %"  # only all of them are 100 %
