"""Digits as a hand draws them: strokes through a few points."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

Point = tuple[int, int]

# Each digit's usual forms. Strokes are parted by a slash; a point is x,y in per cent of the box, from the top left. Two
# points make a straight line, more a smooth curve.
DRAWINGS: dict[int, tuple[str, ...]] = {
    0: (
        "50,3 20,20 13,50 20,80 50,97 80,80 87,50 80,20 48,3",
        "60,5 25,30 20,70 45,95 75,70 78,30 50,6",
    ),
    1: (
        "50,3 50,97",
        "30,25 53,3 / 53,3 53,97",
        "30,22 52,3 / 52,3 52,96 / 28,96 76,96",
    ),
    2: (
        "18,28 32,7 62,4 80,25 66,52 38,76 15,95 / 15,95 86,95",
        "20,25 45,4 75,20 62,58 30,92 20,82 40,80 85,95",
    ),
    3: (
        "20,14 50,4 78,22 66,43 40,48 / 40,48 75,56 84,76 58,96 17,87",
        "20,6 80,6 / 80,6 45,42 / 45,42 80,55 80,82 50,96 18,86",
    ),
    4: (
        "66,4 12,66 / 12,66 90,66 / 66,4 66,96",
        "25,6 20,55 / 20,55 86,53 / 75,6 68,96",
    ),
    5: ("80,5 30,5 / 30,5 25,45 / 25,45 55,38 82,60 72,88 42,97 16,86",),
    6: (
        "70,4 36,30 19,66 34,93 64,93 80,71 62,52 36,56 20,70",
        "45,3 25,40 22,75 45,96 72,82 62,60 40,62 24,78",
    ),
    7: (
        "14,7 86,7 / 86,7 60,50 42,96",
        "14,9 86,6 / 86,6 42,96 / 33,50 78,50",
    ),
    8: (
        "50,48 24,30 32,8 50,3 68,8 76,30 50,48 19,70 28,92 50,97 72,92 81,70 50,48",
        "78,12 50,3 25,20 45,44 75,70 55,96 25,80 42,54 80,12",
    ),
    9: (
        "78,28 60,50 32,46 20,25 40,5 70,9 78,28 76,62 62,96",
        "76,20 50,4 24,25 42,50 74,28 / 76,20 72,96",
    ),
}

_PIECES = 8  # straight pieces between two points of a curve


def strokes(drawing: str) -> list[list[Point]]:
    """Read the notation of `DRAWINGS`: the points of each stroke."""
    return [[_point(point) for point in stroke.split()] for stroke in drawing.split("/")]


def curve(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Draw a smooth line through points (n, 2): Catmull and Rom's spline, in straight pieces (m, 2).

    Source: Catmull and Rom 1974, "A class of local interpolating splines", with the tension 1/2.
    """
    if len(points) == 2:  # noqa: PLR2004 - a straight line
        return points
    padded = np.concatenate([points[:1], points, points[-1:]])
    before, start, end, after = (padded[i : len(points) - 1 + i, None] for i in range(4))
    t = np.linspace(0, 1, _PIECES, endpoint=False)[:, None]
    pieces = (
        2 * start
        + (end - before) * t
        + (2 * before - 5 * start + 4 * end - after) * t**2
        + (3 * (start - end) + after - before) * t**3
    ) / 2
    return np.concatenate([pieces.reshape(-1, 2), points[-1:]])


def _point(text: str) -> Point:
    x, y = text.split(",")
    return int(x), int(y)
