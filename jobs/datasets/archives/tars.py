"""The files of a tar."""

from __future__ import annotations

import struct
import tarfile
import zlib
from typing import IO, TYPE_CHECKING, cast

from jobs.datasets.archives.guard import HEADER_BYTES, Forward
from jobs.datasets.archives.items import (
    ArchiveProblem,
    BrokenArchive,
    File,
    Folder,
    NotAnArchive,
    Passed,
    too_large,
    too_many,
)
from jobs.datasets.archives.names import BadName, clean, passed_over, shown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jobs.datasets.archives.items import Bounds, Item

END = bytes(tarfile.BLOCKSIZE)  # an archive ends with two blocks of zeros
# What tarfile, gzip and zlib raise of a damaged archive.
DAMAGED = (
    tarfile.TarError,
    zlib.error,
    struct.error,
    EOFError,
    ValueError,
    ArithmeticError,
    LookupError,
    RecursionError,
    MemoryError,
)
CUT_OFF = "The archive is damaged or ends too early. Make it anew, and send all of it."


def tar_items(file: IO[bytes], bounds: Bounds) -> Iterator[Item]:
    """Read a tar's files, in their order.

    Raises:
        ArchiveTooLarge, BrokenArchive, NotAnArchive: the whole of it cannot be used.
    """
    guard = Forward(file, bounds)
    try:
        yield from _items(guard, bounds)
        guard.drain()
    except ArchiveProblem:
        raise
    except DAMAGED as error:
        raise BrokenArchive(CUT_OFF) from error
    except OSError as error:
        if error.errno is not None:  # that is our disk; gzip's own have no number
            raise
        raise BrokenArchive(CUT_OFF) from error


def _items(guard: Forward, bounds: Bounds) -> Iterator[Item]:
    archive = _opened(guard)
    count = 0
    while member := _next(archive, guard):
        count += 1
        if count > bounds.members:
            raise too_many(bounds)
        name = member.name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
        if not passed_over(name):
            guard.allowance = bounds.file_bytes
            yield _item(archive, member, name, bounds)


def _opened(guard: Forward) -> tarfile.TarFile:
    try:
        return tarfile.TarFile(fileobj=cast("IO[bytes]", guard), mode="r", encoding="utf-8", errors="surrogateescape")
    except tarfile.ReadError:
        raise NotAnArchive("This is neither a zip nor a tar, packed with gzip or not. Send one of these.") from None


def _next(archive: tarfile.TarFile, guard: Forward) -> tarfile.TarInfo | None:
    """Read the next header; tarfile takes one that is damaged for the end, and so would lose what follows."""
    guard.allowance = HEADER_BYTES
    member = archive.next()
    archive.__dict__["members"] = []  # it would keep all of them
    if member is None and guard.last != END:
        raise BrokenArchive(CUT_OFF)
    return member


def _item(archive: tarfile.TarFile, member: tarfile.TarInfo, name: str, bounds: Bounds) -> Item:
    try:
        path = clean(name)
    except BadName as error:
        return Passed(shown(name), str(error))
    if member.isdir():
        return Folder(path)
    if reason := _refusal(member, bounds):
        return Passed(shown(path), reason)
    content = archive.extractfile(member)
    assert content is not None  # noqa: S101 - it is a plain file
    return File(path, content.read())


def _refusal(member: tarfile.TarInfo, bounds: Bounds) -> str | None:
    if member.issym() or member.islnk():
        return "It is a link, which is not followed."
    if not member.isreg():
        return "It is no plain file."
    if member.issparse():
        return "It is a sparse file, as no photograph is."
    return too_large(bounds) if member.size > bounds.file_bytes else None
