"""Archives of photographs to upload: a folder packed as a temporary tar file, or an existing archive as it is."""

from __future__ import annotations

import asyncio
import os
import re
import stat
import tarfile
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Self

import httpx

from bestguess.client.errors import InvalidArgument

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

CHUNK = 256 * 1024  # bytes
TAR = "application/x-tar"
MAGIC = {b"PK\x03\x04": "application/zip", b"PK\x05\x06": "application/zip", b"\x1f\x8b": "application/gzip"}
TAR_MAGIC_OFFSET = 257  # where a tar file has "ustar" (POSIX.1-1988)
NAME_LENGTH = 100  # characters of a data set's name, at most
EXTENSION = re.compile(r"\.(zip|tar|tgz|tar\.gz)$", re.IGNORECASE)
SYSTEM_FILES = frozenset({"__MACOSX", "Thumbs.db", "desktop.ini"})


class FileBody(httpx.SyncByteStream, httpx.AsyncByteStream):
    """An open file as a request body, read in chunks and from its beginning at each attempt."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.size = file.seek(0, os.SEEK_END)

    def __iter__(self) -> Iterator[bytes]:
        self._file.seek(0)
        while chunk := self._file.read(CHUNK):
            yield chunk

    async def __aiter__(self) -> AsyncIterator[bytes]:
        self._file.seek(0)
        while chunk := await asyncio.to_thread(self._file.read, CHUNK):
            yield chunk


class Archive:
    """An open archive. A temporary one is gone after the `with` block."""

    def __init__(self, file: BinaryIO, media_type: str) -> None:
        self._file = file
        self.body = FileBody(file)
        self.media_type = media_type

    @classmethod
    def open(cls, source: str | os.PathLike[str]) -> Self:
        """Open an archive, or pack a folder that has a folder for each class. Photographs are not compressed again.

        Raises:
            InvalidArgument: the folder has no files, or the file is not an archive.
            OSError: a file cannot be read, or the temporary disk is full.
        """
        path = Path(source)
        with ExitStack() as on_error:
            if path.is_dir():
                file: BinaryIO = on_error.enter_context(tempfile.TemporaryFile(prefix="bestguess-"))
                _pack(path, file)
                archive = cls(file, TAR)
            else:
                file = on_error.enter_context(path.open("rb"))
                archive = cls(file, _media_type(file, path))
            on_error.pop_all()
            return archive

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()


def dataset_name(source: str | os.PathLike[str]) -> str:
    """Return the default name of a data set: its folder's name, or its archive's without the extension."""
    path = Path(source).absolute()
    name = path.name if path.is_dir() else EXTENSION.sub("", path.name)
    return name.encode(errors="replace").decode()[:NAME_LENGTH] or "photographs"


def files_in(folder: Path) -> Iterator[Path]:
    """Yield the files below a folder in order, without hidden ones. Links are followed, each folder once."""
    seen: set[tuple[int, int]] = set()
    for place, folders, names in os.walk(folder, followlinks=True):
        about = os.stat(place)  # noqa: PTH116 - os.walk gives strings
        if (about.st_dev, about.st_ino) in seen:
            folders.clear()  # a link to a folder above
            continue
        seen.add((about.st_dev, about.st_ino))
        folders[:] = sorted(filter(_is_content, folders))
        yield from (Path(place, name) for name in sorted(filter(_is_content, names)))


def _pack(folder: Path, file: BinaryIO) -> None:
    count = 0
    with tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for path in files_in(folder):
            if not stat.S_ISREG(path.stat().st_mode):
                continue  # reading a named pipe would block
            with path.open("rb") as opened:
                # Only name and size: the file's owner and times are private.
                member = tarfile.TarInfo(str(path.relative_to(folder)))
                member.size = os.fstat(opened.fileno()).st_size
                archive.addfile(member, opened)
            count += 1
    if not count:
        raise InvalidArgument(f"{folder}: this folder has no files. Give each class a folder with photographs.")


def _media_type(file: BinaryIO, path: Path) -> str:
    head = file.read(TAR_MAGIC_OFFSET + 5)
    found = next((media_type for magic, media_type in MAGIC.items() if head.startswith(magic)), None)
    if found or head[TAR_MAGIC_OFFSET:] == b"ustar":
        return found or TAR
    raise InvalidArgument(f"{path}: this is no zip, tar or tar.gz archive, and no folder. A data set is one of these.")


def _is_content(name: str) -> bool:
    return not name.startswith(".") and name not in SYSTEM_FILES
