"""The images that FILE arguments name: files, standard input, folders with all that is in them, and patterns."""

from __future__ import annotations

import glob
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

STDIN = "-"
SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".gif", ".bmp")


def may_be_several(names: Sequence[str]) -> bool:
    """Return whether the arguments may name more than one image."""
    return len(names) > 1 or any(Path(name).is_dir() or _is_pattern(name) for name in names)


def expand(names: Sequence[str]) -> Iterator[str]:
    """Yield the path of every image in order; a path that does not exist is yielded too, and fails when it is read.

    Raises:
        typer.BadParameter: a folder contains no image, or a pattern matches nothing.
    """
    for name in names:
        if name != STDIN and Path(name).is_dir():
            yield from _at_least_one(
                name, _images_in(name), "no image in this folder (looked for " + ", ".join(SUFFIXES) + ")"
            )
        elif _is_pattern(name):
            matches = sorted(glob.glob(name, recursive=True))  # noqa: PTH207 - with folders, absolute or not
            yield from _at_least_one(name, iter(matches), "no file matches")
        else:
            yield name


def read(name: str) -> bytes | str:
    """Return the bytes of standard input for `-`, and any other path as it is, for the client to open.

    Raises:
        typer.BadParameter: standard input is a terminal.
    """
    if name != STDIN:
        return name
    from bestguess.client import images

    if sys.stdin.isatty():
        raise typer.BadParameter("'-' is standard input, which is a terminal here; pipe an image into it")
    return sys.stdin.buffer.read(images.MOST_BYTES + 1)


def _is_pattern(name: str) -> bool:
    return glob.has_magic(name) and not os.path.lexists(name)


def _at_least_one(name: str, paths: Iterator[str], problem: str) -> Iterator[str]:
    first = next(paths, None)
    if first is None:
        raise typer.BadParameter(f"{name}: {problem}")
    yield first
    yield from paths


def _images_in(folder: str) -> Iterator[str]:
    for place, folders, files in os.walk(folder):
        folders.sort()
        for file in sorted(files):
            if file.lower().endswith(SUFFIXES):
                yield os.path.join(place, file)  # noqa: PTH118 - pathlib would drop a leading ./
