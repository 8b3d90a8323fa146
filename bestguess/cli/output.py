"""What a terminal is given: text that cannot command it, colours where they are wanted, and none into a pipe."""

from __future__ import annotations

import json
import os
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console

WIDEST = 100  # columns; lines that are longer read badly


def shown(text: object) -> str:
    """Write what came from elsewhere so that it stays one line and commands no terminal: controls become escapes."""
    return "".join(letter if letter.isprintable() else letter.encode("unicode_escape").decode() for letter in str(text))


def say(line: str) -> None:
    """Write one line to standard error, with our name before it."""
    sys.stderr.write(f"bestguess: {shown(line)}\n")


def dumped(value: Any, indent: int | None = None) -> str:  # noqa: ANN401 - whatever JSON can say
    """Make a line of JSON, or several, in ASCII, which no encoding spoils and no terminal obeys."""
    return json.dumps(value, indent=indent) + "\n"


def put_json(value: Any, *, indent: int | None = 2) -> None:  # noqa: ANN401 - whatever JSON can say
    """Write JSON to standard output."""
    sys.stdout.write(dumped(value, indent))
    if indent is None:
        sys.stdout.flush()  # a line is for whoever reads along


def console(*, stderr: bool = False) -> Console:
    """Make what writes to a terminal; into a pipe, or with NO_COLOR, it writes plain text."""
    from rich.console import Console

    made = Console(stderr=stderr, highlight=False, markup=False, emoji=False, soft_wrap=True)
    plain = bool(os.environ.get("NO_COLOR")) or not made.is_terminal
    if plain:
        made = Console(stderr=stderr, highlight=False, markup=False, emoji=False, soft_wrap=True, color_system=None)
    return made


def width() -> int:
    """Say how many columns a line may take."""
    return min(WIDEST, console().width)


def blocks() -> bool:
    """Say whether the output can have more than ASCII."""
    return (sys.stdout.encoding or "").lower().replace("-", "").startswith("utf")


def interactive() -> bool:
    """Say whether somebody can be asked."""
    return sys.stdin.isatty() and sys.stderr.isatty()
