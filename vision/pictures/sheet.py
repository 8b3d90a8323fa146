"""What a picture is made of: shapes in pixels from the upper left corner, shared colours, and text."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Literal

from PIL import ImageFont

if TYPE_CHECKING:
    from collections.abc import Sequence

    from PIL import Image


Anchor = Literal["start", "middle", "end"]

PAPER, INK, FAINT, TRACK = "#ffffff", "#1a1d21", "#5c6470", "#eceff3"
BAR, BEST, WRONG = "#8fa3bf", "#2563eb", "#d9480f"  # blue and orange are told apart by everybody


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle, with corners of that radius."""

    x: float
    y: float
    width: float
    height: float
    colour: str
    radius: float = 0.0


@dataclass(frozen=True, slots=True)
class Line:
    """A line through points (x, y)."""

    points: Sequence[tuple[float, float]]
    colour: str
    width: float = 1.0


@dataclass(frozen=True, slots=True)
class Text:
    """One line of text: `x` is its start, middle or end, `y` its baseline; `upwards`, it is turned to the left."""

    x: float
    y: float
    size: int
    colour: str
    words: str
    anchor: Anchor = "start"
    upwards: bool = False


@dataclass(frozen=True, slots=True)
class Photo:
    """An image, stretched to a width and a height; inside an SVG it is a JPEG or, without loss, a PNG."""

    x: float
    y: float
    width: float
    height: float
    image: Image.Image
    file: Literal["JPEG", "PNG"] = "JPEG"


Shape = Box | Line | Text | Photo


@dataclass(frozen=True, slots=True)
class Sheet:
    """What is on a picture, the lowest first; `label` says what it shows to who cannot see it."""

    width: int
    height: int
    label: str
    shapes: Sequence[Shape]


# Text: its width, and what of it Pillow's own font can paint.
_ELLIPSIS = "\N{HORIZONTAL ELLIPSIS}"
_PAINTED = frozenset(map(chr, range(0x20, 0x7F))) | {"\N{MIDDLE DOT}", _ELLIPSIS}  # the font has little else
_MEASURED = 200  # pixels: at small sizes the font rounds each letter's width to whole pixels
_BROAD = 0.8  # of the size: nearly as wide as an m


@cache
def font(size: int) -> ImageFont.FreeTypeFont:
    """Load Pillow's own font at a size in pixels.

    Raises:
        RuntimeError: this Pillow was built without FreeType.
    """
    loaded = ImageFont.load_default(size)
    if not isinstance(loaded, ImageFont.FreeTypeFont):
        raise RuntimeError("Pillow was built without FreeType. Install it from a wheel.")  # noqa: TRY004 - its build's
    return loaded


def known(words: str) -> bool:
    """Return whether the font has every letter."""
    return _PAINTED.issuperset(words)


def width_of(words: str, size: int) -> float:
    """Measure a line of text, in pixels; letters that the font lacks are guessed, and guessed wide."""
    if known(words):
        return font(_MEASURED).getlength(words) / _MEASURED * size
    wide = sum(unicodedata.east_asian_width(letter) in "WF" for letter in words)
    return (wide + _BROAD * (len(words) - wide)) * size


def fitted(words: str, size: int, room: float) -> str:
    """Shorten a line of text until it is no wider than `room` pixels."""
    if width_of(words, size) <= room:
        return words
    kept = words
    while kept and width_of(kept + _ELLIPSIS, size) > room:
        kept = kept[:-1].rstrip()
    return kept + _ELLIPSIS


def clean(words: str) -> str:
    """Put spaces for what is no letter: line ends, and control characters, which XML forbids."""
    return "".join(letter if letter.isprintable() else " " for letter in words)


def paintable(words: str) -> str:
    """Bring a text to letters that the font has: without accents, or else question marks."""
    return "".join(letter if known(letter) else _bare(letter) for letter in words)


def _bare(letter: str) -> str:
    parts = (part for part in unicodedata.normalize("NFKD", letter) if not unicodedata.combining(part))
    return "".join(part if known(part) else "?" for part in parts)


# What the parts of a report's picture share.
HEAD, TEXT, SMALL = 17, 13, 12  # font sizes in pixels
RULE = "#d5dae1"


def heading(x: float, y: float, words: str, below: str, room: float) -> list[Shape]:
    """Head a part of the picture, with what it shows below."""
    return [
        Text(x, y, HEAD, INK, fitted(words, HEAD, room)),
        Text(x, y + 18, SMALL, FAINT, fitted(below, SMALL, room)),
    ]


def arrow(x: float, y: float, width: float, colour: str) -> list[Shape]:
    """Draw an arrow to the right; the font has none."""
    end, barb = x + width, 3.0
    return [
        Line([(x, y), (end, y)], colour, 1.2),
        Line([(end - barb, y - barb), (end, y), (end - barb, y + barb)], colour, 1.2),
    ]
