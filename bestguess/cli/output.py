"""Standard output and standard error: messages, JSON, and tables that fit the terminal or stay whole in a pipe."""

from __future__ import annotations

import json
import os
import sys
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

import typer

from bestguess.cli import exit_codes
from bestguess.cli.format import make_table, printable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from pydantic import BaseModel
    from rich.console import Console
    from rich.table import Table

Item = TypeVar("Item", bound="BaseModel")

WIDEST = 100  # columns; longer lines are hard to read
NARROW = 60  # columns; with fewer, folded columns and bars with texts are unreadable
UNBOUNDED = 1_000_000  # columns, for measuring; Rich has no word for "as many as it takes"


def note(line: str) -> None:
    """Write one line to standard error, prefixed with the program's name."""
    sys.stderr.write(f"bestguess: {printable(line)}\n")


def fail(message: str, code: int = exit_codes.FAILED) -> NoReturn:
    """Write one line to standard error and end the command.

    Raises:
        typer.Exit: always.
    """
    note(" ".join(message.split()))
    raise typer.Exit(code)


def to_json(value: Any, indent: int | None = None) -> str:  # noqa: ANN401 - any JSON value
    """Return JSON in ASCII, which is safe in every encoding and on every terminal."""
    return json.dumps(value, indent=indent) + "\n"


def print_json(value: Any, *, indent: int | None = 2) -> None:  # noqa: ANN401 - any JSON value
    """Write JSON to standard output; with `indent=None` as one line, flushed at once for a reader that follows."""
    sys.stdout.write(to_json(value, indent))
    if indent is None:
        sys.stdout.flush()


def make_console(*, stderr: bool = False) -> Console:
    """Return a Rich console that writes plain text into a pipe, and also where NO_COLOR is set."""
    from rich.console import Console

    made = Console(stderr=stderr, highlight=False, markup=False, emoji=False, soft_wrap=True)
    if made.is_terminal and not os.environ.get("NO_COLOR"):
        return made
    return Console(stderr=stderr, highlight=False, markup=False, emoji=False, soft_wrap=True, color_system=None)


def terminal_width() -> int | None:
    """Return how many columns of the terminal a line may take; None where standard output is no terminal."""
    console = make_console()
    return min(WIDEST, console.width) if console.is_terminal else None


def supports_blocks() -> bool:
    """Return whether standard output can encode block characters."""
    return make_console().encoding.startswith("utf")  # Rich looks through its own proxy, which a live bar installs


def is_interactive() -> bool:
    """Return whether a person can be asked a question."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def print_table(table: Table, *, fold: bool = False) -> None:
    """Print a table.

    Into a pipe each row is one line, however long. On a terminal that is too narrow, the cells of a row are printed
    below one another, each with its title, so that ids stay whole; with `fold`, a terminal of 60 columns or more breaks
    them inside their columns instead.
    """
    if not sys.stdout.isatty():
        for line in padded_lines(table):
            typer.echo(line)
        return
    console = make_console()
    needed = console.measure(table, options=console.options.update(width=UNBOUNDED)).maximum
    if needed > console.width and not (fold and console.width >= NARROW):
        for line in _stacked(table):
            typer.echo(line)
        return
    with console.capture() as captured:
        console.print(table, soft_wrap=False)
    for line in captured.get().splitlines():
        typer.echo(line.rstrip())  # Rich fills the last column with spaces


def print_list(
    items: Iterable[Item],
    titles: Sequence[str],
    row: Callable[[Item], Sequence[str]],
    *,
    json: bool,
    empty: str = "",
) -> None:
    """Print items as a table, or as JSON Lines as they arrive; `empty` goes to standard error if there are none."""
    if json:
        for item in items:
            print_json(item.model_dump(mode="json"), indent=None)
        return
    rows = [row(item) for item in items]
    if rows:
        print_table(make_table(titles, rows))
    else:
        note(empty)


def print_item(item: Item, facts: Callable[[Item], Iterable[str | Table]], *, json: bool) -> None:
    """Print one item as JSON, or as the lines and tables that `facts` returns for it."""
    if json:
        print_json(item.model_dump(mode="json"))
        return
    for fact in facts(item):
        if isinstance(fact, str):
            typer.echo(printable(fact))
        else:
            print_table(fact, fold=True)


def confirm_removal(name: str, *, yes: bool, hint: str) -> None:
    """Ask for confirmation before something is removed.

    Raises:
        typer.BadParameter: nobody can be asked; `hint` is the argument that names the thing.
        typer.Abort: the answer is no.
    """
    if yes:
        return
    if not is_interactive():
        raise typer.BadParameter("there is no terminal to ask for confirmation; add --yes", param_hint=hint)
    typer.confirm(f"Remove {printable(name)} for good?", abort=True, err=True)


def padded_lines(table: Table) -> Iterator[str]:
    """Return the lines of a table without styles; Rich itself takes a millisecond or two for each row."""
    from rich.cells import cell_len

    rows = [[str(cell) for cell in row] for row in zip(*(column.cells for column in table.columns), strict=True)]
    if table.show_header:
        rows.insert(0, [str(column.header) for column in table.columns])
    widths = [max(map(cell_len, column)) for column in zip(*rows, strict=True)]
    _, right, _, left = table.padding
    for row in rows:
        cells = []
        for cell, width, column in zip(row, widths, table.columns, strict=True):
            room = " " * (width - cell_len(cell))
            cells.append(room + cell if column.justify == "right" else cell + room)
        yield (" " * (left + right)).join(cells).rstrip()


def _stacked(table: Table) -> Iterator[str]:
    """Return each row as its first cell, and below it the other cells that are not empty, with their titles."""
    titles = [str(column.header) for column in table.columns]
    for first, *others in zip(*(column.cells for column in table.columns), strict=True):
        yield str(first)
        for title, cell in zip(titles[1:], others, strict=True):
            if cell:
                yield f"  {title.lower()}: {cell}" if title else f"  {cell}"
