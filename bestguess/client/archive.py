"""A folder of photographs as one archive, on the disk and not in memory; an archive that is one already, as it is."""

from __future__ import annotations

import os
import re
import stat
import tarfile
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from bestguess.client.body import FileBody
from bestguess.client.errors import InvalidArgument

if TYPE_CHECKING:
    from collections.abc import Iterator

TAR = "application/x-tar"
KINDS = {b"PK\x03\x04": "application/zip", b"PK\x05\x06": "application/zip", b"\x1f\x8b": "application/gzip"}
TAR_MAGIC = 257  # where a tar says "ustar" (POSIX.1-1988)
MOST_NAME = 100  # characters of a data set's name
ENDINGS = re.compile(r"\.(zip|tar|tgz|tar\.gz)$", re.IGNORECASE)
LEFT = frozenset({"__MACOSX", "Thumbs.db", "desktop.ini"})  # by systems, in every folder


@dataclass(frozen=True, slots=True)
class Archive:
    """What is sent: a file that can be read again and again, and what kind it is."""

    body: FileBody
    media_type: str


@contextmanager
def packed(source: str | os.PathLike[str]) -> Iterator[Archive]:
    """Have an archive for the time of a block: of a folder, in which each class has a folder; or the one that is named.

    Photographs are compressed as they are, so that a folder's archive is not.

    Raises:
        InvalidArgument: the folder has no file in it, or the file is no archive.
        OSError: something cannot be read, or there is no room for a folder's archive.
    """
    path = Path(source)
    if path.is_dir():
        with tempfile.TemporaryFile(prefix="bestguess-") as file:
            _pack(path, file)
            yield Archive(FileBody(file), TAR)
        return
    with path.open("rb") as file:
        yield Archive(FileBody(file), _kind(file, path))


def title_of(source: str | os.PathLike[str]) -> str:
    """Name a data set by its folder, or by its archive."""
    path = Path(source).absolute()
    name = path.name if path.is_dir() else ENDINGS.sub("", path.name)
    return name.encode(errors="replace").decode()[:MOST_NAME] or "photographs"


def files_of(folder: Path) -> Iterator[Path]:
    """Name the files in a folder, however deep, in order, without what is hidden; links are followed, each once."""
    seen: set[tuple[int, int]] = set()
    for place, folders, names in os.walk(folder, followlinks=True):
        about = os.stat(place)  # noqa: PTH116 - os.walk's own kind of path
        if (about.st_dev, about.st_ino) in seen:
            folders.clear()  # a link that leads back
            continue
        seen.add((about.st_dev, about.st_ino))
        folders[:] = sorted(filter(_wanted, folders))
        yield from (Path(place, name) for name in sorted(filter(_wanted, names)))


def _pack(folder: Path, file: BinaryIO) -> None:
    number = 0
    with tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for path in files_of(folder):
            if not stat.S_ISREG(path.stat().st_mode):
                continue  # a pipe would be waited for
            with path.open("rb") as opened:
                # Of a file only its name and bytes: whose it is, and of when, is nobody's business there.
                about = tarfile.TarInfo(str(path.relative_to(folder)))
                about.size = os.fstat(opened.fileno()).st_size
                archive.addfile(about, opened)
            number += 1
    if not number:
        raise InvalidArgument(f"{folder}: there is no file in this folder. Give each class a folder with photographs.")


def _kind(file: BinaryIO, path: Path) -> str:
    head = file.read(TAR_MAGIC + 5)
    found = next((kind for magic, kind in KINDS.items() if head.startswith(magic)), None)
    if found or head[TAR_MAGIC:] == b"ustar":
        return found or TAR
    raise InvalidArgument(f"{path}: no zip, tar or tar.gz, and no folder. A data set is one of these.")


def _wanted(name: str) -> bool:
    return not name.startswith(".") and name not in LEFT
