"""Which kind of archive it is, by its first bytes, and its files."""

from __future__ import annotations

import gzip
from typing import IO, TYPE_CHECKING, cast

from jobs.datasets.archives.items import NotAnArchive
from jobs.datasets.archives.tars import tar_items
from jobs.datasets.archives.zips import zip_items

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jobs.datasets.archives.items import Bounds, Item

ZIP = (b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")
GZIP = b"\x1f\x8b"
PICTURE = "A single picture"
# What people send by mistake, from the formats' own specifications.
OTHERS = (
    (b"7z\xbc\xaf\x27\x1c", "A 7z archive"),
    (b"Rar!\x1a\x07", "A RAR archive"),
    (b"BZh", "A file packed with bzip2"),
    (b"\xfd7zXZ\0", "A file packed with xz"),
    (b"\x28\xb5\x2f\xfd", "A file packed with Zstandard"),
    (b"\xff\xd8\xff", PICTURE),
    (b"\x89PNG\r\n", PICTURE),
    (b"GIF8", PICTURE),
    (b"RIFF", PICTURE),
)


def items(file: IO[bytes], bounds: Bounds) -> Iterator[Item]:
    """Read the files of an archive, one at a time; what is read is in memory, and no more than one.

    Raises:
        ArchiveProblem: the whole of it cannot be used; also after some files.
        OSError: this machine's disk refused.
    """
    head = file.read(8)
    file.seek(0)
    if head.startswith(ZIP):
        yield from zip_items(file, bounds)
    elif head.startswith(GZIP):
        with gzip.GzipFile(fileobj=file) as unpacked:
            yield from tar_items(cast("IO[bytes]", unpacked), bounds)
    else:
        _refuse_others(head)
        yield from tar_items(file, bounds)


def is_archive(data: bytes) -> bool:
    """Say whether a file in an archive is an archive itself."""
    archives = [signature for signature, name in OTHERS if name != PICTURE]
    return data.startswith((*ZIP, GZIP, *archives)) or data[257:262] == b"ustar"


def _refuse_others(head: bytes) -> None:
    if not head:
        raise NotAnArchive("The file is empty. Send a zip, a tar or a tar.gz with a folder for each class.")
    for signature, name in OTHERS:
        if head.startswith(signature):
            raise NotAnArchive(f"{name} is not accepted. Send a zip, a tar or a tar.gz with a folder for each class.")
