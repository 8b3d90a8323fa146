"""A sheet in the format that is asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from vision.pictures.png import png
from vision.pictures.svg import svg

if TYPE_CHECKING:
    from vision.pictures.sheet import Sheet

Kind = Literal["svg", "png"]


def draw_sheet(sheet: Sheet, kind: Kind) -> bytes:
    """Write a sheet as a file."""
    return svg(sheet) if kind == "svg" else png(sheet)
