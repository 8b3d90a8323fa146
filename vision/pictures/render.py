"""Sheets as SVG or PNG files, and images as the bytes of a file or as a data URI."""

from __future__ import annotations

import base64
import io
from html import escape
from typing import TYPE_CHECKING, Literal, assert_never

from PIL import Image, ImageDraw

from vision.pictures.sheet import PAPER, Box, Line, Photo, Text, clean, font, known, paintable, width_of

if TYPE_CHECKING:
    from vision.pictures.sheet import Anchor, Shape, Sheet

    File = Literal["JPEG", "PNG"]

Kind = Literal["svg", "png"]

_PNG_URI = "data:image/png;base64,"
_FONTS = "Helvetica, Arial, system-ui, sans-serif"  # the first two are about as wide as Pillow's own
SHARPNESS = 2  # PNG pixels a layout pixel: screens today show twice as many
_FINER = 2  # painted pixels a PNG pixel, averaged in the end: lines and round corners are jagged otherwise
_SCALE = SHARPNESS * _FINER
_ANCHORS: dict[Anchor, str] = {"start": "ls", "middle": "ms", "end": "rs"}  # Pillow's names; s is the baseline


def draw_sheet(sheet: Sheet, kind: Kind) -> bytes:
    """Write a sheet as a file."""
    return svg(sheet) if kind == "svg" else png(sheet)


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


def png(sheet: Sheet) -> bytes:
    """Paint the sheet with `SHARPNESS` pixels for each of its own; letters that the font lacks are `paintable` ones."""
    canvas = Image.new("RGB", (sheet.width * _SCALE, sheet.height * _SCALE), PAPER)
    pen = ImageDraw.Draw(canvas)
    for shape in sheet.shapes:
        _paint(canvas, pen, shape)
    return encoded(canvas.reduce(_FINER), "PNG")


def _paint(canvas: Image.Image, pen: ImageDraw.ImageDraw, shape: Shape) -> None:
    match shape:
        case Box(x, y, width, height, colour, radius):
            left, top, right, bottom = _edges(x, y, width, height)
            pen.rounded_rectangle((left, top, right - 1, bottom - 1), radius * _SCALE, colour)
        case Line(points, colour, width):
            scaled = [(x * _SCALE, y * _SCALE) for x, y in points]
            pen.line(scaled, colour, round(width * _SCALE), joint="curve")
        case Photo(x, y, width, height, image):
            left, top, right, bottom = _edges(x, y, width, height)
            canvas.paste(image.convert("RGB").resize((right - left, bottom - top)), (left, top))
        case Text():
            _letter(canvas, pen, shape)
        case _:
            assert_never(shape)


def _edges(x: float, y: float, width: float, height: float) -> tuple[int, int, int, int]:
    """Return left, top, right and bottom in painted pixels; nothing is thinner than one."""
    left, top, right, bottom = (round(side * _SCALE) for side in (x, y, x + width, y + height))
    return left, top, max(right, left + 1), max(bottom, top + 1)


def _letter(canvas: Image.Image, pen: ImageDraw.ImageDraw, text: Text) -> None:
    words, letters = paintable(clean(text.words)), font(text.size * _SCALE)
    at = (text.x * _SCALE, text.y * _SCALE)
    if not text.upwards:
        pen.text(at, words, text.colour, letters, anchor=_ANCHORS[text.anchor])
        return
    # Written flat onto a mask with the baseline's start in its middle, and turned about that.
    side = round(2 * (letters.getlength(words) + text.size * _SCALE))
    mask = Image.new("L", (side, side))
    ImageDraw.Draw(mask).text((side // 2, side // 2), words, 255, letters, anchor=_ANCHORS[text.anchor])
    corner = (round(at[0]) - side // 2, round(at[1]) - side // 2)
    canvas.paste(text.colour, corner, mask.transpose(Image.Transpose.ROTATE_90))


def encoded(image: Image.Image, file: File) -> bytes:
    """Write an image as a JPEG of quality 90, or as a PNG."""
    buffer = io.BytesIO()
    image.save(buffer, file, **({"quality": 90} if file == "JPEG" else {}))
    return buffer.getvalue()


def data_uri(image: Image.Image, file: File) -> str:
    """Write an image as a data URI (RFC 2397)."""
    return f"data:image/{file.lower()};base64,{base64.b64encode(encoded(image, file)).decode()}"


def opened(uri: str) -> Image.Image:
    """Read the PNG that a data URI contains.

    Raises:
        ValueError: it is no such URI.
        OSError: it contains no PNG that can be read.
    """
    if not uri.startswith(_PNG_URI):
        raise ValueError(f"{uri[:40]!r} is not a PNG as a data URI")
    image = Image.open(io.BytesIO(base64.b64decode(uri[len(_PNG_URI) :], validate=True)), formats=["PNG"])
    image.load()
    return image
