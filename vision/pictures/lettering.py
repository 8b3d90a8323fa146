"""How wide a text is, and what of it Pillow's own font can paint."""

from __future__ import annotations

import unicodedata
from functools import cache

from PIL import ImageFont

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
    """Tell whether the font has every letter."""
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
