"""What is written of a picture: to a person in full or in a line, to a program as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bestguess.cli import format as layout
from bestguess.cli.output import blocks, console, put_json, say, shown, width

if TYPE_CHECKING:
    from pathlib import Path

    from bestguess.cli.sweep import Told
    from bestguess.schemas import Classification

PLACE = 32  # columns of a file's name, at most
SHORT_BAR = 10


def in_full(name: str, answer: Classification) -> None:
    """Write a picture's guesses as bars."""
    from rich.text import Text

    out = console()
    out.print(Text(layout.heading(name, answer), "bold"))
    for label, bar, percent in layout.lines(answer.predictions, width(), blocks=blocks()):
        out.print(Text.assemble(label, " ", (bar, "cyan"), " ", (percent, "bold")))
    if not answer.predictions:
        out.print("No guess has so high a score.")
    out.print(Text(layout.answered(answer), "dim"))


def briefly(told: Told) -> None:
    """Write a picture's best guess in one line, or on standard error what is wrong with it."""
    from rich.text import Text

    if told.answer is None:
        say(f"{told.name}: {reason(told.error)}")
        return
    columns = width()
    name = layout.fitted(shown(told.name), min(PLACE, columns // 2))
    best = layout.lines(told.answer.predictions[:1], columns - layout.cells(name) - 1, blocks=blocks())
    label, _, percent = best[0] if best else ("nothing", "", "")
    bar = layout.bar(told.answer.predictions[0].score, SHORT_BAR, blocks=blocks()) if best and columns >= 80 else ""  # noqa: PLR2004 - a usual terminal
    console().print(
        Text.assemble(name, " ", (bar, "cyan"), " " if bar else "", (percent, "bold"), "  ", label.rstrip())
    )


def as_json(name: str, answer: Classification) -> None:
    """Write one picture's answer as the service gave it, and which picture it is."""
    put_json({"file": name} | answer.model_dump(mode="json"))


def as_line(told: Told) -> None:
    """Write a picture as a line of JSON Lines: its answer, or an `error`."""
    if told.answer is not None:
        put_json({"file": told.name} | told.answer.model_dump(mode="json"), indent=None)
        return
    say(f"{told.name}: {reason(told.error)}")
    put_json({"file": told.name, "error": problem(told.error)}, indent=None)


def problem(error: Exception | None) -> dict[str, Any]:
    """Write an error as the service would, as far as it is one of its."""
    from bestguess.client import ProblemError

    if isinstance(error, ProblemError):
        return error.problem.model_dump(mode="json", exclude_none=True)
    return {"title": "This picture was not sent", "detail": reason(error)}


def reason(error: Exception | None) -> str:
    """Say what is wrong in one line."""
    return (error.strerror if isinstance(error, OSError) else None) or str(error)


def failures(failed: int, of: int) -> None:
    """Say at the end how many pictures could not be classified, if any."""
    if failed:
        say(f"{failed} of {of} pictures could not be classified")


def save(path: Path, picture: bytes) -> None:
    """Write a picture whole or not at all."""
    from bestguess.client import AtomicFile as Arriving

    with Arriving(path) as file:
        file.write(picture)
        file.keep()
