"""What comes out of an archive, what it may cost, and what can be wrong with the whole of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple


@dataclass(frozen=True, slots=True)
class Bounds:
    """What an archive may cost: files and folders in it, bytes of one file, and bytes of all of them unpacked."""

    members: int
    file_bytes: int
    total_bytes: int


class File(NamedTuple):
    """A file: its cleaned path, and its bytes."""

    path: str
    data: bytes


class Folder(NamedTuple):
    """A folder, by its cleaned path."""

    path: str


class Passed(NamedTuple):
    """A file that is not taken, and why; its path is for people to read."""

    path: str
    reason: str


Item = File | Folder | Passed


class ArchiveProblem(Exception):
    """The archive cannot be used; the message says what to do."""


class NotAnArchive(ArchiveProblem):
    """It is none, or of a kind that is not accepted."""


class BrokenArchive(ArchiveProblem):
    """It cannot be read to its end."""


class ArchiveTooLarge(ArchiveProblem):
    """It has more in it than is accepted."""


def too_many(bounds: Bounds) -> ArchiveTooLarge:
    """Make the error for an archive with too many members."""
    return ArchiveTooLarge(f"The archive has more than {bounds.members:,} files and folders. Send it in several parts.")


def too_much(bounds: Bounds) -> ArchiveTooLarge:
    """Make the error for an archive that unpacks to too much."""
    return ArchiveTooLarge(
        f"The archive unpacks to more than {bounds.total_bytes:,} bytes. Send it in several parts, or smaller pictures."
    )


def too_large(bounds: Bounds) -> str:
    """Say why a file is not taken that is larger than one may be."""
    return f"It has more than {bounds.file_bytes:,} bytes."
