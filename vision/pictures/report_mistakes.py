"""The worst mistakes as small images, each with what it is, what the network said, and how sure it was."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from vision.pictures.render import opened
from vision.pictures.sheet import (
    FAINT,
    HEAD,
    INK,
    SMALL,
    TRACK,
    WRONG,
    Box,
    Photo,
    Text,
    arrow,
    fitted,
    heading,
    width_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from bestguess.schemas.report import Mistake
    from vision.pictures.sheet import Shape

ROWS, COLUMNS = 5, 5
FEWER = 2  # columns where names are longer, and stand beside their images
ARROW = 20  # pixels, with the space around it
HEADINGS = 32  # pixels


@dataclass(frozen=True, slots=True)
class Mistakes:
    """A rectangle from (x, y) for the worst mistakes, the worst first, of `count` in all."""

    worst: Sequence[Mistake]
    count: int
    x: float
    y: float
    width: float
    height: float

    def draw(self) -> Iterator[Shape]:
        """Draw as many as there is room for: 25, or 10 if their classes have longer names."""
        if not self.worst:
            yield from heading(self.x, self.y, "Mistakes", "every one is right", self.width)
            yield Box(self.x, self.y + HEADINGS, self.width, self.height - HEADINGS, TRACK, 8)
            middle = (self.x + self.width / 2, self.y + (self.height + HEADINGS + HEAD) / 2)
            yield Text(*middle, HEAD, FAINT, "None", "middle")
            return
        columns = self._columns
        shown = self.worst[: ROWS * columns]
        yield from heading(self.x, self.y, self._title(len(shown)), "what it is, what the network said", self.width)
        for place, mistake in enumerate(shown):
            row, number = divmod(place, columns)
            x, y = self.x + number * self.width / columns, self.y + HEADINGS + row * self._pitch
            yield from (self._above if columns == COLUMNS else self._beside)(mistake, x, y, self.width / columns)

    @property
    def _columns(self) -> int:
        """Find out how many columns the names leave room for: captions are below the images, or else beside them."""
        widest = max(_caption_width(mistake) for mistake in self.worst)
        return COLUMNS if widest <= self.width / COLUMNS - 4 else FEWER

    @property
    def _pitch(self) -> float:
        return (self.height - HEADINGS) / ROWS

    def _title(self, shown: int) -> str:
        if self.count == 1:
            return "The only mistake"
        return f"The {shown} worst of {self.count:,} mistakes" if shown < self.count else f"All {shown} mistakes"

    def _above(self, mistake: Mistake, x: float, y: float, width: float) -> Iterator[Shape]:
        """Draw an image above its caption: `4 -> 9, 98 %`."""
        side = self._pitch - SMALL - 11
        yield _image(mistake, x + (width - side) / 2, y, side)
        left, base = x + (width - _caption_width(mistake)) / 2, y + side + SMALL + 2
        yield Text(left, base, SMALL, INK, mistake.label)
        left += width_of(mistake.label, SMALL)
        yield from arrow(left + 5, base - SMALL * 0.36, ARROW - 10, FAINT)
        yield Text(left + ARROW, base, SMALL, WRONG, _said(mistake))

    def _beside(self, mistake: Mistake, x: float, y: float, width: float) -> Iterator[Shape]:
        """Draw an image, and beside it, in two lines, what it is and what was said."""
        side = self._pitch - 8
        left, room = x + side + 8, width - side - 16
        score = _score(mistake)
        yield _image(mistake, x, y, side)
        yield Text(left, y + side / 2 - 5, SMALL, INK, fitted(mistake.label, SMALL, room))
        yield from arrow(left, y + side / 2 + SMALL + 1 - SMALL * 0.36, ARROW - 8, FAINT)
        name = fitted(mistake.predicted, SMALL, room - ARROW - width_of(f", {score}", SMALL) + 4)
        yield Text(left + ARROW - 4, y + side / 2 + SMALL + 1, SMALL, WRONG, f"{name}, {score}")


def _image(mistake: Mistake, x: float, y: float, side: float) -> Photo:
    """Place an image in the middle of a square, with the proportions that it has."""
    image = opened(mistake.image)
    scale = side / max(image.size)
    width, height = image.width * scale, image.height * scale
    return Photo(x + (side - width) / 2, y + (side - height) / 2, width, height, image, "PNG")


def _said(mistake: Mistake) -> str:
    return f"{mistake.predicted}, {_score(mistake)}"


def _score(mistake: Mistake) -> str:
    return f"{100 * mistake.score:.0f} %"


def _caption_width(mistake: Mistake) -> float:
    return width_of(mistake.label, SMALL) + ARROW + width_of(_said(mistake), SMALL)
