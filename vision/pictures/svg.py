"""A sheet as SVG: one file that refers to nothing outside itself."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, assert_never

from vision.pictures.files import data_uri
from vision.pictures.lettering import clean, known, width_of
from vision.pictures.sheet import PAPER, Box, Line, Photo, Text

if TYPE_CHECKING:
    from vision.pictures.sheet import Shape, Sheet

_FONTS = "Helvetica, Arial, system-ui, sans-serif"  # the first two are about as wide as Pillow's own


def svg(sheet: Sheet) -> bytes:
    """Write the sheet as UTF-8."""
    size = f'width="{sheet.width}" height="{sheet.height}" viewBox="0 0 {sheet.width} {sheet.height}"'
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img"',
        f' aria-label="{escape(clean(sheet.label))}" font-family="{_FONTS}">',
        f'<rect width="100%" height="100%" fill="{PAPER}"/>',
        *map(_element, sheet.shapes),
        "</svg>\n",
    ]
    return "\n".join(lines).encode()


def _element(shape: Shape) -> str:
    match shape:
        case Box(x, y, width, height, colour, radius):
            rounded = f' rx="{radius:.2f}"' if radius else ""
            return f'<rect {_place(x, y, width, height)}{rounded} fill="{colour}"/>'
        case Line(points, colour, width):
            path = " ".join(f"{x:.2f},{y:.2f}" for x, y in points)
            return f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="{width:g}"/>'
        case Photo(x, y, width, height, image, file):
            place = f'{_place(x, y, width, height)} preserveAspectRatio="none"'
            return f'<image {place} href="{data_uri(image, file)}"/>'
        case Text():
            return _text(shape)
        case _:
            assert_never(shape)


def _place(x: float, y: float, width: float, height: float) -> str:
    return f'x="{x:.2f}" y="{y:.2f}" width="{width:.2f}" height="{height:.2f}"'


def _text(text: Text) -> str:
    """Write a text as wide as it was measured, so that whatever font the reader has keeps to the layout."""
    words = clean(text.words)
    attributes = [f'x="{text.x:.2f}" y="{text.y:.2f}" font-size="{text.size}" fill="{text.colour}"']
    if text.anchor != "start":
        attributes.append(f'text-anchor="{text.anchor}"')
    if text.upwards:
        attributes.append(f'transform="rotate(-90 {text.x:.2f} {text.y:.2f})"')
    if known(words):
        attributes.append(f'textLength="{width_of(words, text.size):.2f}" lengthAdjust="spacingAndGlyphs"')
    return f"<text {' '.join(attributes)}>{escape(words)}</text>"
