"""The answer as a picture: the photo and, beside it, the guesses as bars; one layout, written as SVG or as PNG."""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass, field
from html import escape
from typing import TYPE_CHECKING, Literal

from PIL import Image, ImageDraw, ImageFont

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vision.images import Pixels

Kind = Literal["svg", "png"]

MARGIN, GAP, ROW, BAR_HEIGHT = 32, 40, 44, 12  # pixels
BARS, SCORE_WIDTH = 420, 64  # pixels: the longest bar, and the room for a percentage behind it
TITLE, TEXT, SMALL = 22, 15, 13  # font sizes in pixels
PAPER, INK, FAINT, TRACK, BAR, BEST = "#ffffff", "#1a1d21", "#5c6470", "#eceff3", "#8fa3bf", "#2563eb"
SHARPNESS = 2  # PNG pixels a layout pixel: screens today show twice as many, and rounded corners want it


@dataclass(frozen=True, slots=True)
class Bar:
    """A rounded rectangle, in pixels."""

    x: float
    y: float
    width: float
    height: float
    colour: str


@dataclass(frozen=True, slots=True)
class Text:
    """One line of text; `x` is its left end, or its right end where `right` is set, and `y` its baseline."""

    x: float
    y: float
    size: int
    colour: str
    words: str
    right: bool = False


@dataclass(frozen=True, slots=True)
class Sheet:
    """What is on the picture: the photo in its place, bars and texts."""

    width: int
    height: int
    photo: Image.Image
    photo_y: int
    shapes: list[Bar | Text] = field(default_factory=list)


def draw(photo: Pixels, guesses: Sequence[tuple[str, float]], caption: str, kind: Kind) -> bytes:
    """Draw a photo of (height, width, RGB) beside its guesses, each a label and a score in 0 to 1, best first."""
    sheet = _layout(Image.fromarray(photo), guesses, caption)
    return _svg(sheet) if kind == "svg" else _png(sheet)


def _layout(photo: Image.Image, guesses: Sequence[tuple[str, float]], caption: str) -> Sheet:
    left = MARGIN + photo.width + GAP
    rows = MARGIN + TITLE + 20 + len(guesses) * ROW
    height = max(photo.height + 2 * MARGIN, rows + SMALL + MARGIN)
    sheet = Sheet(left + BARS + MARGIN, height, photo, (height - photo.height) // 2)
    sheet.shapes.append(Text(left, MARGIN + TITLE - 4, TITLE, INK, "What is this picture of?"))
    for row, (label, score) in enumerate(guesses):
        sheet.shapes.extend(_row(left, MARGIN + TITLE + 20 + row * ROW, label, score, best=row == 0))
    if not guesses:
        sheet.shapes.append(Text(left, MARGIN + TITLE + 40, TEXT, FAINT, "No class reached the wanted score."))
    sheet.shapes.append(Text(left, height - MARGIN + 6, SMALL, FAINT, caption))
    return sheet


def _row(x: float, y: float, label: str, score: float, *, best: bool) -> list[Bar | Text]:
    full = BARS - SCORE_WIDTH
    return [
        Text(x, y + TEXT, TEXT, INK, label),
        Bar(x, y + TEXT + 7, full, BAR_HEIGHT, TRACK),
        Bar(x, y + TEXT + 7, max(2, full * score), BAR_HEIGHT, BEST if best else BAR),
        Text(x + BARS, y + TEXT + 18, TEXT, INK, f"{score:.1%}", right=True),
    ]


def _svg(sheet: Sheet) -> bytes:
    photo = base64.b64encode(_encode(sheet.photo, "JPEG", quality=90)).decode()
    size = f'width="{sheet.width}" height="{sheet.height}"'
    place = f'x="{MARGIN}" y="{sheet.photo_y}" width="{sheet.photo.width}" height="{sheet.photo.height}"'
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} viewBox="0 0 {sheet.width} {sheet.height}" role="img"',
        ' aria-label="The photo and its best guesses" font-family="system-ui, Helvetica, Arial, sans-serif">',
        f'<rect width="100%" height="100%" fill="{PAPER}"/>',
        f'<image {place} href="data:image/jpeg;base64,{photo}"/>',
        *(_svg_shape(shape) for shape in sheet.shapes),
        "</svg>\n",
    ]
    return "\n".join(lines).encode()


def _svg_shape(shape: Bar | Text) -> str:
    if isinstance(shape, Bar):
        return (
            f'<rect x="{shape.x:g}" y="{shape.y:g}" width="{shape.width:.2f}" height="{shape.height:g}" '
            f'rx="{min(shape.width, shape.height) / 2:.2f}" fill="{shape.colour}"/>'
        )
    anchor = ' text-anchor="end"' if shape.right else ""
    return (
        f'<text x="{shape.x:g}" y="{shape.y:g}" font-size="{shape.size}" fill="{shape.colour}"{anchor}>'
        f"{escape(shape.words)}</text>"
    )


def _png(sheet: Sheet) -> bytes:
    canvas = Image.new("RGB", (sheet.width * SHARPNESS, sheet.height * SHARPNESS), PAPER)
    photo = sheet.photo.resize((sheet.photo.width * SHARPNESS, sheet.photo.height * SHARPNESS))
    canvas.paste(photo, (MARGIN * SHARPNESS, sheet.photo_y * SHARPNESS))
    pen = ImageDraw.Draw(canvas)
    for shape in sheet.shapes:
        _paint(pen, shape)
    return _encode(canvas, "PNG")


def _paint(pen: ImageDraw.ImageDraw, shape: Bar | Text) -> None:
    x, y = shape.x * SHARPNESS, shape.y * SHARPNESS
    if isinstance(shape, Text):
        font = ImageFont.load_default(shape.size * SHARPNESS)
        pen.text((x, y), shape.words, shape.colour, font, anchor="rs" if shape.right else "ls")
        return
    width, height = shape.width * SHARPNESS, shape.height * SHARPNESS
    pen.rounded_rectangle((x, y, x + width, y + height), min(width, height) / 2, shape.colour)


def _encode(image: Image.Image, kind: str, **options: int) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()
