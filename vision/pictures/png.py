"""A sheet as PNG, painted with Pillow."""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

from PIL import Image, ImageDraw

from vision.pictures.files import encoded
from vision.pictures.lettering import clean, font, paintable
from vision.pictures.sheet import PAPER, Box, Line, Photo, Text

if TYPE_CHECKING:
    from vision.pictures.sheet import Anchor, Shape, Sheet

SHARPNESS = 2  # PNG pixels a layout pixel: screens today show twice as many
_FINER = 2  # painted pixels a PNG pixel, averaged in the end: lines and round corners are jagged otherwise
_SCALE = SHARPNESS * _FINER
_ANCHORS: dict[Anchor, str] = {"start": "ls", "middle": "ms", "end": "rs"}  # Pillow's names; s is the baseline


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
