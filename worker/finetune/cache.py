"""Rows of numbers that are computed once and kept on disk: memory-mapped, checked, and within bounds.

An entry is a folder that gets its name when it is whole. Until then it is one job's own, which may go on with it.
"""

from __future__ import annotations

import json
import logging
import os
import shutil
import time
import zlib
from contextlib import suppress
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import numpy as np
from filelock import FileLock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import DTypeLike, NDArray

    Fill = Callable[[Sequence[int]], Iterable[tuple[Sequence[int], NDArray[Any]]]]

log = logging.getLogger(__name__)

ROWS, CHECKS, KEY = "rows.npy", "checks.npy", "key.json"
PART = ".part"
FORMAT = 1  # of what is kept; a change makes older entries useless
ABANDONED_SECONDS = 24 * 3600.0  # after which a part is nobody's
_DONE = 1 << 32  # added to the CRC-32 of a row that is there, so that no sum of a row is 0


class ArrayCache:
    """Arrays in a folder that several workers may share, `most_bytes` in all; those used least lately go first."""

    def __init__(self, folder: Path, most_bytes: int) -> None:
        self.folder = folder
        self.most_bytes = most_bytes

    def fits(self, count: int, shape: tuple[int, ...], dtype: DTypeLike) -> bool:
        """Return whether so many rows may be kept at all."""
        return count * int(np.prod(shape, dtype=np.int64)) * np.dtype(dtype).itemsize <= self.most_bytes

    def rows(  # noqa: PLR0913, PLR0917 - what they are, and how they come about
        self, key: Mapping[str, Any], count: int, shape: tuple[int, ...], dtype: DTypeLike, fill: Fill, owner: str
    ) -> NDArray[Any]:
        """Return the rows (count, *shape) of a key, read-only and memory-mapped, computing what is not there.

        `fill(missing)` yields places and their rows, in any portions; if it raises, what it has given is kept for the
        same `owner`, a job's id.

        Raises:
            OSError: the disk is full or cannot be written. Whatever `fill` raises.
        """
        name = sha256(json.dumps({"format": FORMAT, **key}, sort_keys=True).encode()).hexdigest()[:32]
        with suppress(FileNotFoundError):  # at first: while the checks last another worker may make room
            os.utime(self.folder / name)
        found = self._open(self.folder / name, count, shape, dtype)
        if found is not None:
            return found
        part = self.folder / f"{name}.{owner}{PART}"
        part.mkdir(parents=True, exist_ok=True)
        rows, checks = self._begin(part, count, shape, dtype)
        (part / KEY).write_text(json.dumps({"shape": [count, *shape], **key}), encoding="utf-8")
        missing = np.flatnonzero(checks != [_check(row) for row in rows] if checks.any() else np.ones(count, bool))
        for places, values in fill(missing.tolist()):
            for place, value in zip(places, values, strict=True):
                rows[place] = value
                checks[place] = _check(rows[place])
        rows.flush()
        checks.flush()
        self._publish(part, self.folder / name)
        rows.flags.writeable = False
        return rows

    def owners(self) -> set[str]:
        """Return those whose entries are not finished."""
        return {path.name.removesuffix(PART).partition(".")[2] for path in self.folder.glob(f"*{PART}")}

    def forget(self, owner: str) -> None:
        """Remove what a job has begun and will not go on with; nothing if there is none."""
        for path in self.folder.glob(f"*.{owner}{PART}"):
            self._remove(path)

    def _open(self, path: Path, count: int, shape: tuple[int, ...], dtype: DTypeLike) -> NDArray[Any] | None:
        """Open an entry, if it is there and every row is what was written."""
        try:
            rows, checks = np.load(path / ROWS, mmap_mode="r"), np.load(path / CHECKS)
            whole = (rows.shape, rows.dtype) == ((count, *shape), np.dtype(dtype))
            if whole and checks.tolist() == [_check(row) for row in rows]:
                return rows  # type: ignore[no-any-return]
            reason = "its content is not what was written"
        except FileNotFoundError:
            if not path.exists():
                return None
            reason = "a file is missing"
        except (OSError, ValueError, EOFError) as error:
            reason = str(error)
        log.warning("%s is damaged, and computed anew: %s", path, reason)
        self._remove(path)
        return None

    def _begin(
        self, part: Path, count: int, shape: tuple[int, ...], dtype: DTypeLike
    ) -> tuple[np.memmap[Any, Any], np.memmap[Any, Any]]:
        """Go on with an unfinished entry of the same owner, or begin one, with all the room that it takes."""
        with suppress(OSError, ValueError, EOFError):
            rows, checks = (np.lib.format.open_memmap(part / name, "r+") for name in (ROWS, CHECKS))
            if (rows.shape, rows.dtype, checks.shape) == ((count, *shape), np.dtype(dtype), (count,)):
                return rows, checks
        self._make_room(count * int(np.prod(shape, dtype=np.int64)) * np.dtype(dtype).itemsize)
        try:
            return _allocated(part, count, shape, dtype)
        except OSError:  # what the disk had room for is in everybody's way
            self._remove(part)
            raise

    def _publish(self, part: Path, path: Path) -> None:
        with FileLock(self.folder / "lock"):
            if path.exists():  # another worker was as fast
                shutil.rmtree(part, ignore_errors=True)
            else:
                part.rename(path)
        self._make_room(0)

    def _make_room(self, wanted: int) -> None:
        """Remove what was used least lately until there is room for so many bytes, and what nobody goes on with.

        What others are at work on takes room as well, and is left to them.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        with FileLock(self.folder / "lock"):
            entries = sorted((path for path in self.folder.iterdir() if path.is_dir()), key=_used)
            for path in entries:
                if path.name.endswith(PART) and time.time() - _used(path) > ABANDONED_SECONDS:
                    self._remove(path)
            sizes = {path: _size(path) for path in entries}
            for path in entries:
                if sum(sizes.values()) + wanted <= self.most_bytes:
                    return
                if not path.name.endswith(PART):
                    self._remove(path)
                    del sizes[path]

    @staticmethod
    def _remove(path: Path) -> None:
        """Remove an entry; who has it mapped keeps what it has."""
        shutil.rmtree(path, ignore_errors=True)


def _allocated(
    part: Path, count: int, shape: tuple[int, ...], dtype: DTypeLike
) -> tuple[np.memmap[Any, Any], np.memmap[Any, Any]]:
    """Make the files of an entry, with all the room that they take."""
    made = (
        np.lib.format.open_memmap(part / ROWS, "w+", dtype=np.dtype(dtype), shape=(count, *shape)),
        np.lib.format.open_memmap(part / CHECKS, "w+", dtype=np.uint64, shape=(count,)),
    )
    if hasattr(os, "posix_fallocate"):  # a disk that is full kills whoever writes into a mapped hole
        with (part / ROWS).open("r+b") as file:
            os.posix_fallocate(file.fileno(), 0, (part / ROWS).stat().st_size)
    return made


def _check(row: NDArray[Any]) -> int:
    return zlib.crc32(np.ascontiguousarray(row).data) + _DONE


def _used(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0


def _size(path: Path) -> int:
    with suppress(OSError):
        return sum(file.stat().st_size for file in path.iterdir())
    return 0
