"""A sheet in the format that is asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from vision.drawing.png import png
from vision.drawing.svg import svg

if TYPE_CHECKING:
    from vision.drawing.sheet import Sheet

Kind = Literal["svg", "png"]


def draw_sheet(sheet: Sheet, kind: Kind) -> bytes:
    """Write a sheet as a file."""
    return svg(sheet) if kind == "svg" else png(sheet)
