"""Files that stand whole or not at all: where one can be had, its checksum, and how it gets its name."""

from __future__ import annotations

import hashlib
import os
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """A file on a server and what it has to be.

    `size` is in bytes, None where it is not known beforehand; `digest` is hexadecimal, of hashlib's `algorithm`.
    """

    url: str
    size: int | None
    algorithm: str
    digest: str

    @property
    def place(self) -> str:
        """The address without a password, for logs and messages."""
        return re.sub(r"//[^/?#]*@", "//", self.url)


def size_of(path: Path) -> int:
    """Return a file's size in bytes, 0 where there is none."""
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def checksum(path: Path, algorithm: str) -> str:
    """Return the hexadecimal digest of a file's bytes; a gigabyte takes one to two seconds.

    Raises:
        OSError: the file cannot be read.
    """
    with path.open("rb") as file:
        # These sums find damage, not malice, and MD5 is refused elsewhere on machines in FIPS mode.
        return hashlib.file_digest(file, lambda: hashlib.new(algorithm, usedforsecurity=False)).hexdigest()


def publish(beside: Path, target: Path) -> None:
    """Give a finished file its name, in one step that also survives a loss of power.

    Both have to be in the same folder.

    Raises:
        OSError: the disk refused; `beside` is then still there, or already is `target`.
    """
    _sync(beside)
    beside.replace(target)
    _sync(target.parent)


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner can read: whole, or not at all.

    Raises:
        OSError: the disk refused; `path` is then what it was.
    """
    beside = path.with_name(path.name + ".new")
    beside.unlink(missing_ok=True)
    with open(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:  # noqa: PTH123 - pathlib takes no descriptor
        file.write(text)
    publish(beside, path)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
