"""MNIST digits redrawn as a person might send them: on a large sheet, off centre, in colour, photographed."""

from __future__ import annotations

import io
import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

if TYPE_CHECKING:
    from numpy.random import Generator
    from numpy.typing import NDArray

SHEET = 280  # pixels
USUAL = 140  # pixels that the 28 become, so that the half and the double fit on the sheet
BLACK, WHITE = (0, 0, 0), (255, 255, 255)

Colour = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Sheet:
    """How a digit is drawn: its size as a multiple of the usual, its place, its colours, and what is done to it then.

    `off` is how far its centre is from the sheet's, (down, right) in parts of the sheet; `quality` is that of JPEG;
    `pen` is the pen's width in pixels for one who draws along the middle of the strokes; `photo` makes it a photo.
    """

    size: float = 1.0
    off: tuple[float, float] = (0.0, 0.0)
    ink: Colour = BLACK
    paper: Colour = WHITE
    quality: int | None = None
    pen: int | None = None
    photo: bool = False


PLAIN = Sheet()


def off_centre(random: Generator, sheet: Sheet = PLAIN) -> Sheet:
    """Move the digit by up to a quarter of the sheet, but not beyond its edge."""
    most = min(0.25, (1 - 22 / 28 * sheet.size * USUAL / SHEET) / 2)  # a digit has 20 of the 28, and room around it
    down, right = random.uniform(-most, most, 2).tolist()
    return replace(sheet, off=(down, right))


def coloured(random: Generator, sheet: Sheet = PLAIN) -> Sheet:
    """Choose two colours that anybody can tell apart: 100 of 255 grey levels, on average over red, green and blue."""
    while True:
        ink, paper = random.integers(0, 256, (2, 3)).tolist()
        if math.dist(ink, paper) > 100 * math.sqrt(3):
            return replace(sheet, ink=tuple(ink), paper=tuple(paper))


def all_at_once(random: Generator) -> Sheet:
    """Choose a size from half to double, a place, colours, and a poor JPEG."""
    size = float(2 ** random.uniform(-1, 1))
    return coloured(random, off_centre(random, Sheet(size, quality=int(random.integers(20, 60)))))


def photographed(random: Generator) -> Sheet:
    """Choose a size and a place for a dark pen on paper, and photograph it."""
    size = float(2 ** random.uniform(-0.5, 0.8))
    dark = tuple(random.integers(20, 80, 3).tolist())
    return off_centre(random, Sheet(size, ink=dark, paper=(235, 230, 215), quality=70, photo=True))


def draw(digit: NDArray[np.uint8], sheet: Sheet, random: Generator) -> Image.Image:
    """Draw a digit (28, 28), light on dark, as the sheet says: an RGB picture of 280 x 280."""
    ink, paper = (Image.new("RGB", (SHEET, SHEET), colour) for colour in (sheet.ink, sheet.paper))
    picture = Image.composite(ink, paper, _placed(digit, sheet))
    if sheet.photo:
        picture = _photo(picture, random)
    if sheet.quality is None:
        return picture
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=sheet.quality)
    return Image.open(buffer)


def resized(picture: Image.Image) -> NDArray[np.uint8]:
    """Do without normalisation: make the picture grey and 28 x 28."""
    return np.asarray(picture.convert("L").resize((28, 28), Image.Resampling.BILINEAR))


def _placed(digit: NDArray[np.uint8], sheet: Sheet) -> Image.Image:
    """Enlarge the digit and put the middle of its box where the sheet wants it."""
    large = _enlarged(Image.fromarray(digit), round(sheet.size * USUAL))
    if sheet.pen:
        large = _followed(digit, large.size, sheet.pen)
    left, top, right, bottom = large.getbbox() or (0, 0, *large.size)
    whole = Image.new("L", (SHEET, SHEET))
    down, across = (SHEET / 2 + part * SHEET for part in sheet.off)
    whole.paste(large, (round(across - (left + right) / 2), round(down - (top + bottom) / 2)))
    return whole


def _enlarged(digit: Image.Image, side: int) -> Image.Image:
    return digit.resize((side, side), Image.Resampling.BICUBIC)


def _followed(digit: NDArray[np.uint8], size: tuple[int, int], pen: int) -> Image.Image:
    """Draw along the middle of the strokes: in double size, then shrunk, so that its edges are smooth."""
    middle = skeleton(np.asarray(_enlarged(Image.fromarray(digit), 84)) > 127)
    scale = 2 * size[0] / 84
    sheet = Image.new("L", (2 * size[0], 2 * size[1]))
    brush = ImageDraw.Draw(sheet)
    points = {(int(x), int(y)) for y, x in np.argwhere(middle)}
    for x, y in points:
        brush.circle((x * scale, y * scale), pen, fill=255)
        for neighbour in {(x + 1, y), (x, y + 1), (x + 1, y + 1), (x - 1, y + 1)} & points:
            brush.line([(x * scale, y * scale), (neighbour[0] * scale, neighbour[1] * scale)], 255, 2 * pen)
    return sheet.resize(size, Image.Resampling.BOX)


def skeleton(shape: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Thin a shape to lines of one pixel (Zhang and Suen 1984, "A fast parallel algorithm for thinning")."""
    shape, before = np.pad(shape, 1), None
    while before is None or (shape != before).any():
        before = shape
        for turn in (0, 2):
            shape = shape & ~_removable(shape, turn)
    return shape[1:-1, 1:-1]


def _removable(shape: NDArray[np.bool_], turn: int) -> NDArray[np.bool_]:
    around = ((1, 0), (1, -1), (0, -1), (-1, -1), (-1, 0), (-1, 1), (0, 1), (1, 1))  # clockwise from the north
    ring = [np.roll(shape, step, (0, 1)) for step in around]
    steps = sum((~here & after).astype(int) for here, after in zip(ring, ring[1:] + ring[:1], strict=True))
    count = np.sum(ring, axis=0)
    north, east, south, west = ring[::2]
    inside = (east & south & (north | west)) if turn == 0 else (north & west & (east | south))
    return shape & (count >= 2) & (count <= 6) & (steps == 1) & ~inside


def _photo(picture: Image.Image, random: Generator) -> Image.Image:
    """Let the light come from one side, a shadow fall on an edge, and the camera blur a little and add noise."""
    y, x = np.mgrid[:SHEET, :SHEET] / SHEET - 0.5
    angle, strength = random.uniform(0, 2 * np.pi), random.uniform(0.3, 0.8)
    light = 1 - strength * (0.5 + 0.7 * (np.cos(angle) * x + np.sin(angle) * y))
    edge = np.cos(angle + 2) * x + np.sin(angle + 2) * y
    shadow = 1 - random.uniform(0.2, 0.5) / (1 + np.exp((0.5 - edge) / 0.02))
    blurred = np.asarray(picture.filter(ImageFilter.GaussianBlur(1))) * (light * shadow)[..., None]
    noisy = blurred + random.normal(0, 5, blurred.shape)
    return Image.fromarray(noisy.clip(0, 255).astype(np.uint8))
