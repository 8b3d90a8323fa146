"""The confusion matrix as a heat map, and beside its rows each class's precision and recall as bars."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from vision.pictures.sheet import (
    BAR,
    BEST,
    FAINT,
    INK,
    PAPER,
    SMALL,
    TEXT,
    TRACK,
    WRONG,
    Box,
    Text,
    fitted,
    heading,
    width_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from vision.pictures.sheet import Shape


LONGEST_NAME = 100  # pixels
SPACE = 8  # pixels between a name and the cells
EMPTY, PALE_BEST, PALE_WRONG = "#f4f6f8", "#dbe7fd", "#fde6d8"
SMALLEST, LARGEST = 7, 24  # font sizes in pixels of a cell's number
VALUE = 58  # pixels for a percentage behind a bar
THICKEST = 10  # pixels of a bar
_BRIGHT = 0.25  # relative luminance from which letters are dark


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


def ink_on(colour: str) -> str:
    """Choose dark or white letters for a background by its relative luminance (WCAG 2.2).

    White has a contrast of at least 3.5 to 1 then, where 3 is what WCAG asks of large letters.
    """
    parts = [part / 255 for part in bytes.fromhex(colour[1:])]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)  # noqa: PLR2004 - sRGB
    return PAPER if 0.2126 * red + 0.7152 * green + 0.0722 * blue < _BRIGHT else INK


def mixed(pale: str, deep: str, part: float) -> str:
    """Mix two colours: `pale` at 0, `deep` at 1."""
    low, high = (tuple(bytes.fromhex(colour[1:])) for colour in (pale, deep))
    part = min(max(part, 0.0), 1.0)
    return "#" + bytes(round(a + (b - a) * part) for a, b in zip(low, high, strict=True)).hex()
