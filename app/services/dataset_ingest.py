"""Ingest of photographs: from a request's body to the disk, the decode check, the pack file, and the labelled index."""

from __future__ import annotations

import asyncio
import io
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from starlette.datastructures import UploadFile

from app.errors import Invalid, TooLarge, UnsupportedMedia
from app.uploads import FORM_TYPE, FormParser, media_type, missing, read_form
from jobs.datasets.archives.items import ArchiveTooLarge, File, Folder
from jobs.datasets.archives.names import BadName, clean, passed_over, shown
from jobs.datasets.archives.reading import is_archive
from jobs.datasets.classes import Unlabelled, checked, layout, looks_like_a_picture
from jobs.datasets.model import Entry, Index, Refused
from vision.decode.images import View
from vision.errors import ImageProblem

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path

    from fastapi import Request
    from starlette.datastructures import Headers

    from jobs.datasets.archives.items import Item
    from jobs.datasets.publishing import Packer, Spot
    from vision.decode.images import Picture
    from vision.decode.sandbox import Sandbox

MAX_THREADS = 8
MAX_FIELDS = 8  # that a form may have beside its files
WRITE_SIZE = 1024 * 1024  # bytes that are collected before they are written
ARCHIVE_TYPES = frozenset(
    {"application/zip", "application/x-zip-compressed", "application/x-tar", "application/gzip", "application/x-gzip"}
)
NETWORK_VIEW = View(224)  # as training will decode the photographs
MIN_CLASSES, MAX_CLASSES = 2, 1000
MAX_REJECTED = 1000  # in an index, which grows with each request and is read for each
REJECTED_IN_ERROR = 20
DUPLICATE_PATH = "There is a photograph with this path already."
EMPTY_FOLDER = "There is no picture in this folder that can be used, so it is not a class."
HOW_TO_SEND = "Send an archive with a folder for each class, and its photographs in it"

Result = TypeVar("Result")


class BlockingPool:
    """Threads for calls that wait for a disk or a bucket, so that these never occupy the event loop's own pool."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(MAX_THREADS, thread_name_prefix="datasets")

    async def run(self, call: Callable[..., Result], *arguments: object) -> Result:
        """Make a call in a thread. If the caller is cancelled, the call still runs to its end."""
        return await asyncio.get_running_loop().run_in_executor(self._pool, partial(call, *arguments))

    @asynccontextmanager
    async def enter(self, manager: AbstractContextManager[Result]) -> AsyncIterator[Result]:
        """Enter and exit a context manager in threads."""
        entered = await self.run(manager.__enter__)
        try:
            yield entered
        finally:
            await asyncio.shield(self.run(manager.__exit__, None, None, None))

    def close(self) -> None:
        """Drop calls that have not begun; those that run are not waited for."""
        self._pool.shutdown(wait=False, cancel_futures=True)


# Upload: the body of a request is written to this machine's disk a megabyte at a time.


class DiskFile(UploadFile):
    """A file of a request that is written to the disk. The name that it was sent with is never used as a path."""

    def __init__(self, path: Path, name: str, pool: BlockingPool) -> None:
        self.path = path
        self._pool, self._buffer = pool, bytearray()
        super().__init__(io.BytesIO(), filename=name)

    async def write(self, data: bytes) -> None:
        """Append bytes."""
        self._buffer += data
        if len(self._buffer) >= WRITE_SIZE:
            await self._flush()

    async def seek(self, offset: int) -> None:  # noqa: ARG002 - Starlette calls this after the last byte
        """Write what is left in the buffer."""
        await self._flush()

    async def _flush(self) -> None:
        buffer, self._buffer = self._buffer, bytearray()
        await self._pool.run(_append, self.path, buffer)


def _append(path: Path, data: bytearray) -> None:
    with path.open("ab") as file:
        file.write(data)


class DiskFormParser(FormParser):
    """Writes the files of a form into a folder, under numbers as names."""

    def __init__(  # noqa: PLR0913 - those of Starlette's parser, and its own two
        self,
        folder: Path,
        pool: BlockingPool,
        headers: Headers,
        stream: AsyncGenerator[bytes, None],
        *,
        max_files: int,
        max_fields: int,
    ) -> None:
        super().__init__(headers, stream, max_files=max_files, max_fields=max_fields)
        self._folder, self._pool = folder, pool

    def on_headers_finished(self) -> None:
        """Begin a part: a file's bytes go to the disk."""
        super().on_headers_finished()
        if (file := self._current_part.file) is not None:
            path = self._folder / f"{self._current_files}.upload"
            self._current_part.file = DiskFile(path, file.filename or "", self._pool)


class ReceivedForm(NamedTuple):
    """The files of a form's field `file`, and its other fields."""

    files: list[DiskFile]
    fields: dict[str, str]


async def receive_form(request: Request, folder: Path, pool: BlockingPool, max_files: int) -> ReceivedForm:
    """Write the files of a form's field `file` into a folder.

    Raises:
        Problem: the body is no such form; the detail says what to send instead.
        OSError: the disk refused.
    """
    if media_type(request) != FORM_TYPE:
        raise UnsupportedMedia("Send a multipart/form-data form with the field 'file'.")
    parser = partial(DiskFormParser, folder, pool)
    form = await read_form(request, files=max_files, parts=max_files + MAX_FIELDS, parser=parser)
    files = [part for name, part in form.multi_items() if name == "file" and isinstance(part, DiskFile)]
    if not files:
        raise missing("file", *(("archive", "pets.zip") if max_files == 1 else ()))
    return ReceivedForm(files, {name: value for name, value in form.items() if isinstance(value, str)})


async def receive_archive(request: Request, folder: Path, pool: BlockingPool) -> DiskFile:
    """Write the archive of a request into a folder: a form's field `file`, or the whole body.

    Raises what `receive_form` raises.
    """
    kind = media_type(request)
    if kind == FORM_TYPE:
        return (await receive_form(request, folder, pool, 1)).files[0]
    if kind not in ARCHIVE_TYPES:
        raise UnsupportedMedia(
            f"The body is {kind or 'of no Content-Type'}. Send a form with an archive in the field 'file', or the "
            "archive itself as application/zip, application/x-tar or application/gzip."
        )
    file = DiskFile(folder / "1.upload", "", pool)
    async with aclosing(request.stream()) as stream:
        async for piece in stream:
            await file.write(piece)
    await file.seek(0)
    return file


# Decode check: photographs are decoded by the processes that decode those of `/classify`, and packed.


class PhotoDecoder:
    """Decodes at most `at_once` photographs, so that the sandbox's own queue stays free for `/classify`."""

    def __init__(self, sandbox: Sandbox, at_once: int) -> None:
        self.at_once = at_once
        self._sandbox, self._semaphore = sandbox, asyncio.Semaphore(at_once)

    async def decode(self, data: bytes, view: View = NETWORK_VIEW) -> Picture:
        """Decode a file.

        Raises:
            ImageProblem: it cannot be decoded within the limits.
            DecodersUnavailable: no decode process could take it.
        """
        async with self._semaphore:
            return await asyncio.wrap_future(self._sandbox.decode(data, (view,)))


class Photograph(NamedTuple):
    """A photograph that was decoded and is in the pack file."""

    path: str
    sha256: str
    spot: Spot
    width: int
    height: int
    format: str

    def entry(self, path: str, label: str) -> Entry:
        """Return its entry in the index."""
        return Entry(
            path=path,
            label=label,
            sha256=self.sha256,
            **self.spot._asdict(),
            width=self.width,
            height=self.height,
            format=self.format,
        )


@dataclass
class IngestResult:
    """Photographs that were taken, files that were rejected, and every folder that was met."""

    photographs: list[Photograph] = field(default_factory=list)
    rejected: list[Refused] = field(default_factory=list)
    folders: list[str] = field(default_factory=list)

    def reject(self, path: str, reason: str) -> None:
        """Note a file that is not taken."""
        self.rejected.append(Refused(path=shown(path), reason=reason))


class Capacity(NamedTuple):
    """How many photographs more, and how many bytes as a whole, a data set may have."""

    images: int
    bytes: int


class Ingest:
    """Decodes and packs the files of one upload: while some are decoded the next one is read."""

    def __init__(self, decoder: PhotoDecoder, pool: BlockingPool, packer: Packer, capacity: Capacity) -> None:
        self._decoder, self._pool, self._packer, self._capacity = decoder, pool, packer, capacity
        self._pending: deque[tuple[File, asyncio.Task[Picture]]] = deque()
        self._result = IngestResult()

    async def run(self, items: Iterator[Item]) -> IngestResult:
        """Take all files.

        Raises:
            ArchiveProblem: the archive cannot be read on, or has more photographs than the data set may have.
            OSError: the disk refused.
        """
        try:
            while item := await self._pool.run(next, items, None):
                await self._begin(item)
            while self._pending:
                await self._finish_oldest()
        finally:
            for _, decoding in self._pending:
                if not decoding.cancel() and not decoding.cancelled():
                    decoding.exception()  # retrieved, else asyncio logs that nobody did
        return self._result

    async def _begin(self, item: Item) -> None:
        if isinstance(item, Folder):
            self._result.folders.append(item.path)
        elif not isinstance(item, File):
            self._result.reject(item.path, item.reason)
        elif is_archive(item.data):
            self._result.reject(item.path, "It is an archive in an archive, which is not opened.")
        else:
            self._pending.append((item, asyncio.create_task(self._decoder.decode(item.data))))
            if len(self._pending) > self._decoder.at_once:
                await self._finish_oldest()

    async def _finish_oldest(self) -> None:
        """Wait for the file that began first, so that the pack keeps the order of the archive."""
        file, decoding = self._pending.popleft()
        try:
            picture = await decoding
        except ImageProblem as problem:
            self._result.reject(file.path, str(problem))
            return
        if len(self._result.photographs) >= self._capacity.images:
            raise ArchiveTooLarge(f"There are more than {self._capacity.images:,} photographs. Send fewer.")
        sha256, spot = await self._pool.run(self._packer.add, file.data)
        if self._packer.bytes > self._capacity.bytes:
            raise ArchiveTooLarge(
                f"The data set would have more than {self._capacity.bytes:,} bytes. Send fewer, or smaller ones."
            )
        photograph = Photograph(file.path, sha256, spot, picture.width, picture.height, picture.format)
        self._result.photographs.append(photograph)


# Labels: photographs are sorted into classes by their folders, or all get the label that was sent with them.


def label_by_folder(result: IngestResult) -> Index:
    """Return the index of an archive's photographs, each labelled with the name of its folder.

    Raises:
        Invalid: there are fewer than two classes.
        TooLarge: there are too many classes.
    """
    meant = [refused.path for refused in result.rejected if looks_like_a_picture(refused.path)]
    folders = layout([*(photograph.path for photograph in result.photographs), *meant])
    entries: dict[str, Entry] = {}
    for photograph in result.photographs:
        try:
            label = folders.label(photograph.path)
        except Unlabelled as error:
            result.reject(photograph.path, str(error))
            continue
        path = folders.below(photograph.path)
        if path in entries:
            result.reject(photograph.path, DUPLICATE_PATH)
        else:
            entries[path] = photograph.entry(path, label)
    classes = {entry.label for entry in entries.values()}
    empty = {folders.folder(path) for path in result.folders} - classes - {None}
    for folder in sorted(str(folder) for folder in empty):
        result.reject(f"{folder}/", EMPTY_FOLDER)
    _check_classes(classes, result.rejected)
    return _make_index(entries, result.rejected)


def add_labelled(index: Index, result: IngestResult) -> tuple[Index, int, int]:
    """Add photographs, whose paths begin with their label, to an index.

    Return the new index, how many photographs were added, and how many were in it already. A photograph whose path
    another one has (two telephones number theirs alike) gets a path of its own.

    Raises:
        Invalid: no photograph can be used.
        TooLarge: there would be too many classes.
    """
    entries = {entry.path: entry for entry in index.photographs}
    before, unchanged = len(entries), 0
    for photograph in result.photographs:
        path = _free_path(photograph, entries)
        if path in entries:
            unchanged += 1
        else:
            entries[path] = photograph.entry(path, path.partition("/")[0])
    added = len(entries) - before
    if not added and not unchanged:
        raise _no_photographs(result.rejected, "Send photographs as JPEG, PNG, WebP, GIF or BMP")
    if len({entry.label for entry in entries.values()}) > MAX_CLASSES:
        raise _too_many_classes()
    return _make_index(entries, [*index.rejected, *result.rejected], index.rejected_more), added, unchanged


def parse_label(text: str | None) -> str:
    """Return the name of a class, cleaned.

    Raises:
        Invalid: it is missing, or cannot be the name of a class.
    """
    try:
        label = clean(checked(text or ""))  # with spaces around it, it is no longer than the OpenAPI document says
        if "/" in label or "\\" in (text or "") or passed_over(label):
            raise BadName("It is a path, or begins with a dot.")
        return checked(label)
    except ValueError as error:
        message = f"no name for a class: {error}"
        raise Invalid(
            f"body.label: {message} Send the class of these photographs in the form's field 'label'.",
            errors=[{"loc": ["body", "label"], "msg": message, "type": "value_error"}],
        ) from None


def dataset_name(name: str | None, file_name: str) -> str:
    """Return the name that was asked for, else that of the archive's file."""
    stem = file_name.replace("\\", "/").rpartition("/")[2]
    for ending in (".zip", ".tar", ".tar.gz", ".tgz"):
        stem = stem[: -len(ending)] if stem.lower().endswith(ending) else stem
    return (name or shown(stem).strip() or "photographs")[:100]


def _make_index(entries: Mapping[str, Entry], rejected: Sequence[Refused], more: int = 0) -> Index:
    """Return an index. A file that is rejected again for the same reason is listed once; `more` were cut earlier."""
    unique = list(dict.fromkeys(rejected))
    more += len(unique[MAX_REJECTED:])
    return Index(photographs=list(entries.values()), rejected=unique[:MAX_REJECTED], rejected_more=more)


def _free_path(photograph: Photograph, entries: Mapping[str, Entry]) -> str:
    """Return the photograph's path, or if another one has it, a path with a part of its hash."""
    existing = entries.get(photograph.path)
    if existing is None or existing.sha256 == photograph.sha256:
        return photograph.path
    path = PurePosixPath(photograph.path)
    return str(path.with_name(f"{path.stem}-{photograph.sha256[:16]}{path.suffix}"))


def _check_classes(classes: set[str], rejected: Sequence[Refused]) -> None:
    if not classes:
        raise _no_photographs(rejected, HOW_TO_SEND)
    if len(classes) < MIN_CLASSES:
        (only,) = classes
        raise Invalid(
            f"There is one class only, '{only}', and a network learns to tell at least two apart. "
            f"{HOW_TO_SEND}; or make an empty data set, and add photographs with their labels.",
            **_rejected_members(rejected),
        )
    if len(classes) > MAX_CLASSES:
        raise _too_many_classes()


def _no_photographs(rejected: Sequence[Refused], how: str) -> Invalid:
    first = f" The first, {rejected[0].path}: {rejected[0].reason}" if rejected else ""
    return Invalid(f"There is no photograph in it that can be used.{first} {how}.", **_rejected_members(rejected))


def _rejected_members(rejected: Sequence[Refused]) -> dict[str, Any]:
    return {
        "rejected": [refused.model_dump() for refused in rejected[:REJECTED_IN_ERROR]],
        "rejected_total": len(rejected),
    }


def _too_many_classes() -> TooLarge:
    return TooLarge(f"There are more than {MAX_CLASSES:,} classes. Send fewer.")
