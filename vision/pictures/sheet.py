"""What a picture is made of: shapes, in pixels from the upper left corner, and the colours that all pictures share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

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
