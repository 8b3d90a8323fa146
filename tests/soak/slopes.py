"""Whether something grows: a straight line through the second half of its samples, by least squares."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from statistics import median
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

TOGETHER = 5  # samples of which the median is a point: one taken while something was let go is no trend
LEAST = 5  # points without which a line says nothing
SURE = 2.0  # standard errors: a slope is told apart from another one that is so far away


@dataclass(frozen=True)
class Line:
    """A mean, and how much is added from one sample to the next, with the standard error of that."""

    mean: float
    slope: float
    error: float


def fit(values: Sequence[float]) -> Line:
    """Lay a line through the second half of `values`, in which caches are full and pools have their size.

    Raises:
        ValueError: there are too few of them.
    """
    later = values[len(values) // 2 :]
    points = [median(later[at : at + TOGETHER]) for at in range(0, len(later) - TOGETHER + 1, TOGETHER)]
    count = len(points)
    if count < LEAST:
        raise ValueError(f"{len(values)} samples, and at least {2 * TOGETHER * LEAST} are needed")
    middle, mean = (count - 1) / 2, sum(points) / count
    spread = sum((at - middle) ** 2 for at in range(count))
    slope = sum((at - middle) * (point - mean) for at, point in enumerate(points)) / spread
    rest = sum((point - mean - slope * (at - middle)) ** 2 for at, point in enumerate(points))
    return Line(mean, slope / TOGETHER, sqrt(rest / (count - 2) / spread) / TOGETHER)


def verdict(line: Line, bound: float) -> str:
    """Say of a slope whether it is `flat`, `grows` beyond its bound, or is too `uncertain` to be told."""
    if line.slope - SURE * line.error > bound:
        return "grows"
    return "flat" if line.slope + SURE * line.error <= bound else "uncertain"
