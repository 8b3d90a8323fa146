"""Tables, bars and percentages."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rich.table import Table

    from bestguess.schemas import Prediction

EIGHTHS = " ▏▎▍▌▋▊▉"
PERCENT_WIDTH = len("100.0 %")
NARROWEST_BAR = 8  # columns; a shorter bar shows nothing
LONGEST_BAR = 40


def printable(text: object) -> str:
    """Return text from elsewhere as one line that cannot control the terminal: control characters are escaped."""
    return "".join(letter if letter.isprintable() else letter.encode("unicode_escape").decode() for letter in str(text))


def percent(fraction: object) -> str:
    """Return a number of 0 to 1 as a percentage with two decimals; an empty string for anything else."""
    return f"{100 * fraction:.2f} %" if isinstance(fraction, float | int) else ""


def plural(count: int, noun: str, ending: str = "s") -> str:
    """Return a count with its noun."""
    return f"{count:,} {noun}{ending * (count != 1)}"


def bar(score: float, width: int, *, blocks: bool = True) -> str:
    """Draw a score of 0 to 1 as a bar `width` columns wide, in steps of an eighth; in ASCII in steps of one column."""
    if not blocks:
        return ("#" * round(score * width)).ljust(width)
    full, eighths = divmod(round(score * width * 8), 8)
    return ("█" * full + (EIGHTHS[eighths] if eighths else "")).ljust(width)


def make_table(titles: Sequence[str], rows: Iterable[Sequence[str]], *, right: bool = False) -> Table:
    """Return a table without lines, two spaces between columns; with `right`, all but the first are right-aligned."""
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    for position, title in enumerate(titles):
        table.add_column(printable(title), justify="right" if right and position else "left", overflow="fold")
    for row in rows:
        table.add_row(*map(printable, row))
    return table


def prediction_table(predictions: Sequence[Prediction], width: int | None, *, blocks: bool = True) -> Table:
    """Return predictions as label, bar and percentage, at most `width` columns wide; without a width, labels are whole.

    On a terminal with little room the bar keeps 8 columns, and longer labels end in an ellipsis.
    """
    from rich.table import Table
    from rich.text import Text

    labels = [Text(printable(prediction.label)) for prediction in predictions]
    label_width = max((label.cell_len for label in labels), default=0)
    bar_width = LONGEST_BAR
    if width is not None:
        room = width - PERCENT_WIDTH - len("  ")
        label_width = min(label_width, max(room - NARROWEST_BAR, room // 2))
        bar_width = max(1, min(LONGEST_BAR, room - label_width))
    table = Table.grid(padding=(0, 1, 0, 0))
    for style in ("", "cyan", "bold"):
        table.add_column(no_wrap=True, style=style)
    for label, prediction in zip(labels, predictions, strict=True):
        label.truncate(label_width, overflow="ellipsis", pad=True)
        score = prediction.score
        table.add_row(label, bar(score, bar_width, blocks=blocks), f"{100 * score:5.1f} %")
    return table
