"""Which pictures a person means: files, standard input, folders with all that is in them, and patterns."""

from __future__ import annotations

import glob
import os
from pathlib import Path
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

STDIN = "-"
ENDINGS = (".jpg", ".jpeg", ".png", ".webp", ".gif", ".bmp")


def several(names: Sequence[str]) -> bool:
    """Say whether more than one picture may be meant."""
    return len(names) > 1 or any(Path(name).is_dir() or _pattern(name) for name in names)


def found(names: Sequence[str]) -> Iterator[str]:
    """Name every picture that is meant, in order; what is not there is named as it is, to fail in its turn.

    Raises:
        typer.BadParameter: a folder, or a pattern, without a picture in it.
    """
    for name in names:
        if name != STDIN and Path(name).is_dir():
            yield from _some(name, _within(name), "no picture in this folder (looked for " + ", ".join(ENDINGS) + ")")
        elif _pattern(name):
            yield from _some(name, iter(sorted(glob.glob(name, recursive=True))), "no file matches")  # noqa: PTH207 - a pattern with folders, absolute or not
        else:
            yield name


def read(name: str) -> bytes | str:
    """Give what the client takes for a picture by this name."""
    if name != STDIN:
        return name
    import sys

    from bestguess.client import images

    if sys.stdin.isatty():
        raise typer.BadParameter("'-' is standard input, and that is a terminal; pipe a picture into it")
    return sys.stdin.buffer.read(images.MOST_BYTES + 1)


def _pattern(name: str) -> bool:
    return glob.has_magic(name) and not os.path.lexists(name)


def _some(name: str, names: Iterator[str], trouble: str) -> Iterator[str]:
    first = next(names, None)
    if first is None:
        raise typer.BadParameter(f"{name}: {trouble}")
    yield first
    yield from names


def _within(folder: str) -> Iterator[str]:
    for place, folders, files in os.walk(folder):
        folders.sort()
        for file in sorted(files):
            if file.lower().endswith(ENDINGS):
                yield os.path.join(place, file)  # noqa: PTH118 - as it was named, not made shorter
