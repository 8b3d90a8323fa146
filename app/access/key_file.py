"""The file of the keys: read with a word on what is wrong in it; changed by one at a time, whole or not at all."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout
from pydantic import ValidationError

from app.access.keys import Key, Keys

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MOST_BYTES = 4 * 1024 * 1024  # ten thousand keys
LOCK_SECONDS = 10.0


class KeysUnusable(Exception):
    """The file is there, but not what it should be, or cannot be read or written; never repeats what is in it."""


def read(path: Path) -> tuple[Key, ...]:
    """Read the keys.

    Raises:
        FileNotFoundError: there is no file.
        KeysUnusable: it cannot be read, or is something else.
    """
    try:
        with path.open("rb") as file:
            content = file.read(MOST_BYTES + 1)
    except FileNotFoundError:
        raise
    except (OSError, ValueError) as error:  # ValueError: a zero byte in the path
        raise KeysUnusable(f"{path} cannot be read ({_why(error)})") from None
    if len(content) > MOST_BYTES:
        raise KeysUnusable(f"{path} is longer than {MOST_BYTES:,} bytes")
    try:
        return Keys.model_validate_json(content).keys
    except ValidationError as error:
        raise KeysUnusable(f"{path} is no file of keys ({_first(error)})") from None


@contextmanager
def changing(path: Path) -> Iterator[list[Key]]:
    """Give the keys to change, and write what has become of them. Nobody else changes them meanwhile.

    Raises:
        KeysUnusable: the file cannot be read or written, or another holds it for ten seconds.
    """
    try:
        place = path.resolve()  # a link stays one
        place.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(place.with_name(place.name + ".lock"), timeout=LOCK_SECONDS, mode=0o600):
            keys = list(read(place)) if place.exists() else []
            before = tuple(keys)
            yield keys
            if tuple(keys) != before:
                _write(place, Keys(keys=tuple(keys)).model_dump_json(indent=1) + "\n")
    except Timeout:
        raise KeysUnusable(f"{path} is being changed by another; try again") from None
    except ValidationError as error:
        raise KeysUnusable(f"{path} stays as it is: {_first(error)}") from None
    except (OSError, ValueError) as error:
        raise KeysUnusable(f"{path} cannot be written ({_why(error)})") from None


def _write(path: Path, text: str) -> None:
    """Write beside, and rename: who reads meanwhile has the old keys or the new ones."""
    beside = path.with_name(path.name + ".new")
    beside.unlink(missing_ok=True)
    with open(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:  # noqa: PTH123 - pathlib takes no descriptor
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _first(error: ValidationError) -> str:
    """Name what is wrong, and where; not what stands there."""
    first = error.errors(include_input=False, include_url=False)[0]
    return f"{'.'.join(map(str, first['loc'])) or 'the file'}: {first['msg']}"


def _why(error: Exception) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or "its path cannot be used"
