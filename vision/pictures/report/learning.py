"""How a network got on while it learned: accuracy and loss over the steps."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vision.pictures.report.curve import Curve, Plot
from vision.pictures.report.style import heading
from vision.pictures.sheet import BAR, BEST

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from bestguess.schemas.report import Point
    from vision.pictures.sheet import Shape

HEADINGS, FEET = 34, 20  # pixels above and below the plots
MOST_POINTS = 400  # that are drawn: a plot has fewer pixels


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
