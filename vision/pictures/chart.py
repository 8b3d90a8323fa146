"""The answer as a picture: the photo and, beside it, the guesses as bars."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PIL import Image

from vision.pictures.render import Kind, draw_sheet
from vision.pictures.sheet import BAR, BEST, FAINT, INK, TRACK, Box, Photo, Sheet, Text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vision.decode.images import Pixels
    from vision.pictures.sheet import Shape

__all__ = ["Kind", "draw"]

MARGIN, GAP, ROW, BAR_HEIGHT = 32, 40, 44, 12  # pixels
BARS, SCORE_WIDTH = 420, 64  # pixels: the longest bar, and the room for a percentage behind it
TITLE, TEXT, SMALL = 22, 15, 13  # font sizes in pixels


def draw(photo: Pixels, guesses: Sequence[tuple[str, float]], caption: str, kind: Kind) -> bytes:
    """Draw a photo of (height, width, RGB) beside its guesses, each a label and a score in 0 to 1, best first."""
    return draw_sheet(_layout(Image.fromarray(photo), guesses, caption), kind)


def _layout(photo: Image.Image, guesses: Sequence[tuple[str, float]], caption: str) -> Sheet:
    left, top = MARGIN + photo.width + GAP, MARGIN + TITLE + 20
    height = max(photo.height + 2 * MARGIN, top + len(guesses) * ROW + SMALL + MARGIN)
    shapes: list[Shape] = [
        Photo(MARGIN, (height - photo.height) // 2, photo.width, photo.height, photo),
        Text(left, MARGIN + TITLE - 4, TITLE, INK, "What is this picture of?"),
    ]
    for row, (label, score) in enumerate(guesses):
        shapes += _row(left, top + row * ROW, label, score, best=row == 0)
    if not guesses:
        shapes.append(Text(left, MARGIN + TITLE + 40, TEXT, FAINT, "No class reached the wanted score."))
    shapes.append(Text(left, height - MARGIN + 6, SMALL, FAINT, caption))
    return Sheet(left + BARS + MARGIN, height, "The photo and its best guesses", shapes)


def _row(x: float, y: float, label: str, score: float, *, best: bool) -> list[Shape]:
    full = BARS - SCORE_WIDTH
    return [
        Text(x, y + TEXT, TEXT, INK, label),
        _bar(x, y + TEXT + 7, full, TRACK),
        _bar(x, y + TEXT + 7, max(2, full * score), BEST if best else BAR),
        Text(x + BARS, y + TEXT + 18, TEXT, INK, f"{score:.1%}", "end"),
    ]


def _bar(x: float, y: float, width: float, colour: str) -> Box:
    return Box(x, y, width, BAR_HEIGHT, colour, min(width, BAR_HEIGHT) / 2)
