"""A report as a picture of 16:9 for a slide: how good the network is, where it errs, and what it was trained on."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from vision.pictures.render import draw_sheet
from vision.pictures.report_curves import curves
from vision.pictures.report_matrix import Bars, Grid, cells, names_of
from vision.pictures.report_mistakes import Mistakes
from vision.pictures.sheet import BEST, FAINT, INK, SMALL, Sheet, Text, fitted, heading, width_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from bestguess.schemas.report import Report
    from vision.pictures.render import Kind
    from vision.pictures.sheet import Shape

WIDTH, HEIGHT, MARGIN = 1280, 720, 40  # pixels
TITLE, SUBTITLE, BODY = 44, 20, 15  # font sizes in pixels
TOP, BOTTOM = 146, 650  # of the parts below the title: the baseline of their headings, and their end
CURVES, MISTAKES = 140, 312  # the height of the learning curves, the baseline of the mistakes' heading
MATRIX = 470  # pixels: the confusion matrix with its names
BARS, GAP = 124, 26  # pixels: a column of bars, and the space between parts
RIGHT = 832  # where the learning curve and the mistakes begin
SEPARATOR = " · "


def draw(report: Report, kind: Kind) -> bytes:
    """Draw a report of 2 to 20 classes; others are drawn as well, but not to be read from afar."""
    label = f"A trained network: {_accuracy(report)} right on {report.test_images:,} {report.tested_on}"
    return draw_sheet(Sheet(WIDTH, HEIGHT, label, list(_shapes(report))), kind)


def _shapes(report: Report) -> Iterator[Shape]:
    yield from _title(report)
    yield from _classes(report)
    width = WIDTH - MARGIN - RIGHT
    yield from curves(report.learning_curve, RIGHT, TOP, (width, CURVES), GAP)
    wrong = report.test_images - sum(row[index] for index, row in enumerate(report.confusion_matrix))
    yield from Mistakes(report.worst_mistakes, wrong, RIGHT, MISTAKES, width, BOTTOM - MISTAKES).draw()
    yield from _footer(report)


def _title(report: Report) -> Iterator[Shape]:
    right, room = WIDTH - MARGIN, WIDTH - 2 * MARGIN
    yield Text(MARGIN, 72, TITLE, BEST, _accuracy(report))
    left = MARGIN + width_of(_accuracy(report), TITLE) + 14
    yield Text(left, 72, SUBTITLE, INK, f"right on {report.test_images:,} {report.tested_on}")
    yield Text(right, 72, SUBTITLE, FAINT, f"macro F1 {report.macro_f1:.4f}", "end")
    data = f"Trained on {report.dataset.train_images:,} images of {report.dataset.description}; tested on others"
    yield Text(MARGIN, 102, BODY, INK, fitted(data, BODY, room))


def percent(part: float, count: int) -> str:
    """Write a part of `count` things with as many decimals as tell one thing from none, at least one.

    So 9,999 of 10,000 are 99.99 % and never 100 %.
    """
    return f"{100 * part:.{max(1, math.ceil(math.log10(max(count, 1))) - 2)}f} %"


def _accuracy(report: Report) -> str:
    return percent(report.accuracy, report.test_images)


def _classes(report: Report) -> Iterator[Shape]:
    grid = Grid.within(report.classes, MARGIN, TOP + 30, MATRIX, BOTTOM - TOP - 30)
    below = "a row for what it is, a column for what was said"
    yield from heading(MARGIN, TOP, "Confusion matrix", below, grid.right - MARGIN)
    yield from names_of(grid, report.classes)
    yield from cells(grid, report.confusion_matrix)
    precision, recall = [each.precision for each in report.per_class], [each.recall for each in report.per_class]
    yield from Bars("Precision", "of those said to be", precision, grid.right + GAP, TOP, BARS).draw(grid)
    yield from Bars("Recall", "of those that are", recall, grid.right + GAP + BARS + GAP, TOP, BARS).draw(grid)


def _footer(report: Report) -> Iterator[Shape]:
    """Write when the network was trained and with what, on two lines at most."""
    values = {key.replace("_", " "): value for key, value in report.params.items() if key != "dataset"}
    facts = [f"{key} {_value(value)}" for key, value in values.items() if value not in (None, [])]
    date = f"{report.created_at.day} {report.created_at:%B %Y}"
    for row, line in enumerate(_lines([date, report.job_id, *facts], WIDTH - 2 * MARGIN)):
        yield Text(MARGIN, 686 + row * (SMALL + 6), SMALL, FAINT, line)


def _lines(facts: Sequence[str], room: float) -> list[str]:
    """Put as many facts as fit on a first line, and the others, shortened if need be, on a second."""
    count = len(facts)
    while count > 1 and width_of(SEPARATOR.join(facts[:count]), SMALL) > room:
        count -= 1
    parts = [part for part in (facts[:count], facts[count:]) if part]
    return [fitted(SEPARATOR.join(part), SMALL, room) for part in parts]


def _value(value: object) -> str:
    match value:
        case bool():
            return "yes" if value else "no"
        case float():
            return f"{value:g}"
        case list():
            return ", ".join(map(_value, value))
        case _:
            return str(value)
