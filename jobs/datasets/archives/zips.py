"""The files of a zip."""

from __future__ import annotations

import stat
import struct
import zipfile
import zlib
from typing import IO, TYPE_CHECKING, cast

from jobs.datasets.archives.guard import Directory
from jobs.datasets.archives.items import BrokenArchive, File, Folder, Passed, too_large, too_much
from jobs.datasets.archives.names import BadName, clean, passed_over, shown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jobs.datasets.archives.items import Bounds, Item

ENCRYPTED, UTF8 = 0x1 | 0x40 | 0x2000, 0x800  # APPNOTE.TXT, 4.4.4: bits of an entry's flags
METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)  # another may ask for gigabytes of memory
BOMB_RATIO, BOMB_BYTES = 100, 1024 * 1024  # no picture of a megabyte is packed to a hundredth
# What zipfile raises of a damaged entry. OSError is not among them: that is our disk.
DAMAGED = (zipfile.BadZipFile, zlib.error, struct.error, EOFError, ValueError, RuntimeError, OverflowError)


def zip_items(file: IO[bytes], bounds: Bounds) -> Iterator[Item]:
    """Read a zip's files, in the order of its directory; what cannot be read is passed, and the others are not lost.

    Raises:
        ArchiveTooLarge, BrokenArchive: the whole of it cannot be used.
    """
    guard = Directory(file, bounds)
    try:
        archive = zipfile.ZipFile(cast("IO[bytes]", guard))
    except (*DAMAGED, LookupError, MemoryError) as error:
        raise BrokenArchive(
            f"The zip cannot be read: {error}. Was it cut off? Make it anew, and send all of it."
        ) from None
    guard.open = True
    left = bounds.total_bytes
    with archive:
        for info in archive.infolist():
            name = _name(info)
            if passed_over(name):
                continue
            item = _known(info, name, bounds)
            if isinstance(item, str):
                left -= info.file_size  # no more than that is unpacked of it
                if left < 0:
                    raise too_much(bounds)
                yield _unpacked(archive, info, item)
            else:
                yield item


def _known(info: zipfile.ZipInfo, name: str, bounds: Bounds) -> Folder | Passed | str:
    """Say what an entry is without unpacking it; a file that may be unpacked is its path."""
    try:
        path = clean(name)
    except BadName as error:
        return Passed(shown(name), str(error))
    if info.is_dir() or name.endswith("\\"):
        return Folder(path)
    reason = _refusal(info, bounds)
    return Passed(shown(path), reason) if reason else path


def _unpacked(archive: zipfile.ZipFile, info: zipfile.ZipInfo, path: str) -> File | Passed:
    try:
        with archive.open(info) as content:
            # With its length, or else zipfile inflates a gigabyte before it cuts what is longer than was said; and at
            # least a byte, so that the checksum of an empty one is compared as well.
            return File(path, content.read(max(1, info.file_size)))
    except DAMAGED:
        return Passed(shown(path), "It is damaged in the archive.")


def _refusal(info: zipfile.ZipInfo, bounds: Bounds) -> str | None:
    if kind := _kind(info):
        return kind
    if info.flag_bits & ENCRYPTED:
        return "It is encrypted. Pack it without a password."
    if info.compress_type not in METHODS:
        return "It is packed by another method than Deflate."
    if info.file_size > bounds.file_bytes:
        return too_large(bounds)
    if info.file_size > max(BOMB_BYTES, BOMB_RATIO * info.compress_size):
        return f"It unpacks to more than {BOMB_RATIO} times its size, as no photograph does."
    return None


def _kind(info: zipfile.ZipInfo) -> str | None:
    """Say why what Unix says of an entry is against it."""
    kind = stat.S_IFMT(info.external_attr >> 16)
    if kind == stat.S_IFLNK:
        return "It is a link, which is not followed."
    return None if kind in {0, stat.S_IFREG} else "It is no plain file."


def _name(info: zipfile.ZipInfo) -> str:
    """Read a name: one that does not say that it is UTF-8 is so all the same, or else in code page 437."""
    name = info.orig_filename
    if info.flag_bits & UTF8:
        return name
    try:
        return name.encode("cp437").decode("utf-8")
    except ValueError:
        return name
