"""Guesses as a terminal shows them: labels, bars and percentages, in as many columns as there are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bestguess.cli.output import shown

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bestguess.schemas import Classification, Prediction

EIGHTHS = " ▏▎▍▌▋▊▉"
PERCENT = 7  # columns of "100.0 %"
NARROWEST = 8  # columns of a bar that still says something
LONGEST_BAR = 40


def bar(score: float, columns: int, *, blocks: bool = True) -> str:
    """Draw a score of 0 to 1, exact to an eighth of a column; in ASCII to a whole one."""
    if not blocks:
        return ("#" * round(score * columns)).ljust(columns)
    full, part = divmod(round(score * columns * 8), 8)
    return ("█" * full + (EIGHTHS[part] if part else "")).ljust(columns)


def lines(guesses: Sequence[Prediction], columns: int, *, blocks: bool = True) -> list[tuple[str, str, str]]:
    """Lay guesses out as label, bar and percentage, together `columns` wide with a space between each."""
    labels = [shown(guess.label) for guess in guesses]
    widest = max(map(cells, labels), default=0)
    room = columns - PERCENT - 2
    label_columns = min(widest, max(room - NARROWEST, room // 2))
    bar_columns = max(1, min(LONGEST_BAR, room - label_columns))
    return [
        (fitted(label, label_columns), bar(guess.score, bar_columns, blocks=blocks), f"{100 * guess.score:5.1f} %")
        for label, guess in zip(labels, guesses, strict=True)
    ]


def fitted(text: str, columns: int) -> str:
    """Make a text so many columns wide, cutting or filling it."""
    from rich.cells import set_cell_size

    if cells(text) <= columns:
        return set_cell_size(text, columns)
    return set_cell_size(text, max(columns - 1, 0)).rstrip() + "…" if columns > 1 else set_cell_size(text, columns)


def cells(text: str) -> int:
    """Say how many columns a text takes."""
    from rich.cells import cell_len

    return cell_len(text)


def heading(name: str, answer: Classification) -> str:
    """Say which picture it is."""
    image = answer.image
    return f"{shown(name)} ({image.width} x {image.height}, {image.format})"


def answered(answer: Classification) -> str:
    """Say who has answered, for whom, how long it took, and where the guesses mean nothing, that they do."""
    model = answer.model
    words = f"{shown(model.id)}, {answer.timing_ms.total:.0f} ms"
    if model.stand_in_for:
        words += f"; in the place of {shown(model.stand_in_for)}: {shown(model.stand_in_reason or 'it is not ready')}"
    if model.weights == "random":
        words += "; random weights: these guesses mean nothing"
    return words
