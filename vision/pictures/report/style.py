"""What the parts of a report's picture share: sizes of letters, numbers as text, a heading, an arrow."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from vision.pictures.lettering import fitted
from vision.pictures.sheet import FAINT, INK, PAPER, Line, Text

if TYPE_CHECKING:
    from vision.pictures.sheet import Shape

HEAD, TEXT, SMALL = 17, 13, 12  # font sizes in pixels
RULE = "#d5dae1"
_BRIGHT = 0.25


def percent(part: float, count: int) -> str:
    """Write a part of `count` things with as many decimals as tell one thing from none, at least one.

    So 9,999 of 10,000 are 99.99 % and never 100 %.
    """
    return f"{100 * part:.{max(1, math.ceil(math.log10(max(count, 1))) - 2)}f} %"


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
