"""Learning curves of a report: accuracy and loss over the steps of a training, with axes."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from vision.pictures.sheet import BAR, BEST, FAINT, RULE, SMALL, Box, Line, Text, heading, width_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from bestguess.schemas.report import Point
    from vision.pictures.sheet import Anchor, Shape


MOST_DOTS = 30  # points that are marked: more would hide their line
DOT = 2.5  # pixels, a radius
SPACE = 6  # pixels between a number and its axis
HEADINGS, FEET = 34, 20  # pixels above and below the plots
MOST_POINTS = 400  # that are drawn: a plot has fewer pixels


@dataclass(frozen=True, slots=True)
class Curve:
    """Points (step, value) in a colour."""

    points: Sequence[tuple[float, float]]
    colour: str


@dataclass(frozen=True, slots=True)
class Axis:
    """From numbers, `low` to `high`, to pixels, `start` to `end`."""

    low: float
    high: float
    start: float
    end: float

    def at(self, value: float) -> float:
        """Place a number."""
        return self.start + (value - self.low) / (self.high - self.low) * (self.end - self.start)


@dataclass(frozen=True, slots=True)
class Plot:
    """A rectangle from (x, y) for curves over steps; numbers that are parts of one are written as percentages."""

    x: float
    y: float
    width: float
    height: float
    percent: bool = False

    def draw(self, curves: Sequence[Curve]) -> Iterator[Shape]:
        """Draw the axes and the curves, each of at least one point."""
        values = [value for curve in curves for _, value in curve.points]
        # A good network's accuracies are nearly the same: an axis of their own would make hills of chance.
        marks = ticks(min(0.9, *values), 1, 4) if self.percent else ticks(0, max(values), 4)
        words = [self._number(mark) for mark in marks]
        left = self.x + max(width_of(word, SMALL) for word in words) + SPACE
        upwards = Axis(marks[0], marks[-1], self.y + self.height, self.y)
        for mark, word in zip(marks, words, strict=True):
            yield Line([(left, upwards.at(mark)), (self.x + self.width, upwards.at(mark))], RULE)
            yield Text(left - SPACE, upwards.at(mark) + SMALL * 0.36, SMALL, FAINT, word, "end")
        last = max(1, *(step for curve in curves for step, _ in curve.points))
        across = Axis(0, last, left, self.x + self.width)
        yield from self._steps(across)
        for curve in curves:
            yield from _curve(curve, across, upwards)

    def _steps(self, across: Axis) -> Iterator[Shape]:
        marks = [mark for mark in ticks(0, across.high, 3) if mark <= across.high and mark == int(mark)]
        for mark in marks:
            anchor: Anchor = "middle" if mark < across.high else "end"
            foot = self.y + self.height
            yield Line([(across.at(mark), foot), (across.at(mark), foot + 4)], FAINT)
            yield Text(across.at(mark), foot + SMALL + 5, SMALL, FAINT, f"{mark:,.0f}", anchor)

    def _number(self, mark: float) -> str:
        return f"{round(100 * mark, 6):g} %" if self.percent else f"{round(mark, 9):g}"


def ticks(low: float, high: float, about: int) -> list[float]:
    """Choose round numbers that enclose `low` to `high`: multiples of 1, 2 or 5 times a power of ten.

    After Heckbert, "Nice numbers for graph labels", Graphics Gems, 1990.
    """
    if high <= low:
        high = low + 1
    rough = (high - low) / about
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(size * power for size in (1, 2, 5, 10) if size * power >= rough * (1 - 1e-9))
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [index * step for index in range(first, last + 1)]


def _curve(curve: Curve, across: Axis, upwards: Axis) -> Iterator[Shape]:
    places = [(across.at(step), upwards.at(value)) for step, value in curve.points]
    if len(places) > 1:
        yield Line(places, curve.colour, 2)
    if len(places) <= MOST_DOTS:
        for x, y in places:
            yield Box(x - DOT, y - DOT, 2 * DOT, 2 * DOT, curve.colour, DOT)


def curves(points: Sequence[Point], x: float, y: float, size: tuple[float, float], gap: float) -> Iterator[Shape]:
    """Draw both side by side, `gap` apart, in a rectangle from (x, y); y is the baseline of their headings."""
    width, height = (size[0] - gap) / 2, size[1] - HEADINGS - FEET
    right, top = x + width + gap, y + HEADINGS
    validated = any(point.validation_accuracy is not None for point in points)
    meaning = "grey: learned from, blue: not" if validated else "of batches, over the steps"
    yield from heading(x, y, "Accuracy" if validated else "Training accuracy", meaning, width)
    yield from heading(right, y, "Training loss", "cross-entropy, over the steps", width)
    if points:
        yield from Plot(x, top, width, height, percent=True).draw(_accuracies(points))
        losses = [(point.step, point.loss) for point in points]
        yield from Plot(right, top, width, height).draw([Curve(_thinned(losses), BEST)])


def _accuracies(points: Sequence[Point]) -> list[Curve]:
    learned = [(point.step, point.train_accuracy) for point in points]
    validated = [(point.step, point.validation_accuracy) for point in points if point.validation_accuracy is not None]
    if not validated:
        return [Curve(_thinned(learned), BEST)]
    return [Curve(_thinned(learned), BAR), Curve(_thinned(validated), BEST)]


def _thinned(points: Sequence[tuple[int, float]]) -> Sequence[tuple[int, float]]:
    """Leave points out evenly, but never the last, which says where it got to."""
    return points[:: -max(1, len(points) // MOST_POINTS)][::-1]
