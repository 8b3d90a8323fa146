"""A request's body on its way to this machine's disk, a megabyte at a time."""

from __future__ import annotations

import io
from contextlib import aclosing
from typing import TYPE_CHECKING, NamedTuple

from starlette.datastructures import UploadFile

from app.errors import UnsupportedMedia
from app.uploads import FORM, FormParser, media_type, missing

if TYPE_CHECKING:
    from pathlib import Path

    from fastapi import Request

    from app.datasets.threads import Threads

FIELDS = 8  # that a form may have beside its files
PIECE = 1024 * 1024  # bytes that are gathered before they are written
ARCHIVES = frozenset(
    {"application/zip", "application/x-zip-compressed", "application/x-tar", "application/gzip", "application/x-gzip"}
)


class DiskFile(UploadFile):
    """A file of a request that goes to the disk; its name is only ever a word to us."""

    def __init__(self, path: Path, name: str, threads: Threads) -> None:
        self.path = path
        self._threads, self._gathered = threads, bytearray()
        super().__init__(io.BytesIO(), filename=name)

    async def write(self, data: bytes) -> None:
        """Take a piece."""
        self._gathered += data
        if len(self._gathered) >= PIECE:
            await self._flush()

    async def seek(self, offset: int) -> None:  # noqa: ARG002 - Starlette does this after the last byte
        """Have all of it on the disk."""
        await self._flush()

    async def _flush(self) -> None:
        gathered, self._gathered = self._gathered, bytearray()
        await self._threads.run(_append, self.path, gathered)


class DiskParser(FormParser):
    """Writes a form's files into a folder, by numbers."""

    def __init__(self, request: Request, folder: Path, threads: Threads, *, files: int) -> None:
        super().__init__(request, files=files, parts=files + FIELDS)
        self._folder, self._threads = folder, threads

    def make_file(self, name: str) -> UploadFile:
        """Make what a file is written into."""
        return DiskFile(self._folder / f"{self._current_files}.upload", name, self._threads)


class Received(NamedTuple):
    """What a form had in it."""

    files: list[DiskFile]
    fields: dict[str, str]


async def receive_form(request: Request, folder: Path, threads: Threads, most: int) -> Received:
    """Take the files of the field `file` out of a form, `most` of them at most, and its other fields.

    Raises:
        Problem: with what to send instead.
        OSError: the disk refused.
    """
    if media_type(request) != FORM:
        raise UnsupportedMedia("Send a multipart/form-data form with the field 'file'.")
    form = await DiskParser(request, folder, threads, files=most).read()
    found = [part for name, part in form.multi_items() if name == "file" and isinstance(part, DiskFile)]
    if not found:
        raise missing("file", *(("archive", "pets.zip") if most == 1 else ()))
    return Received(found, {name: value for name, value in form.items() if isinstance(value, str)})


async def receive_archive(request: Request, folder: Path, threads: Threads) -> DiskFile:
    """Take one archive out of a request: a form's field `file`, or the whole body. Raises as `receive_form`."""
    kind = media_type(request)
    if kind == FORM:
        return (await receive_form(request, folder, threads, 1)).files[0]
    if kind not in ARCHIVES:
        raise UnsupportedMedia(
            f"The body is {kind or 'of no Content-Type'}. Send a form with an archive in the field 'file', or the "
            "archive itself as application/zip, application/x-tar or application/gzip."
        )
    file = DiskFile(folder / "1.upload", "", threads)
    async with aclosing(request.stream()) as stream:
        async for piece in stream:
            await file.write(piece)
    await file.seek(0)
    return file


def has_body(request: Request) -> bool:
    """Say whether anything is sent."""
    length = request.headers.get("Content-Length", "0")
    return "Transfer-Encoding" in request.headers or length != "0" or "Content-Type" in request.headers


def _append(path: Path, data: bytearray) -> None:
    with path.open("ab") as file:
        file.write(data)
