"""A request's body on its way to this machine's disk, a megabyte at a time."""

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
from app.uploads import FormLimits, FormParser, media_type, missing, parsed
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

    from jobs.datasets.archives.items import Item
    from jobs.datasets.publishing import Packer, Spot
    from vision.decode.images import Picture
    from vision.decode.sandbox import Sandbox


MAX_FIELDS = 8  # that a form may have beside its files
WRITE_SIZE = 1024 * 1024  # bytes that are gathered before they are written
FORM_TYPE = "multipart/form-data"
ARCHIVE_TYPES = frozenset(
    {"application/zip", "application/x-zip-compressed", "application/x-tar", "application/gzip", "application/x-gzip"}
)


class DiskFile(UploadFile):
    """A file of a request that goes to the disk; its name is only ever a word to us."""

    def __init__(self, path: Path, name: str, threads: BlockingPool) -> None:
        self.path = path
        self._threads, self._gathered = threads, bytearray()
        super().__init__(io.BytesIO(), filename=name)

    async def write(self, data: bytes) -> None:
        """Take a piece."""
        self._gathered += data
        if len(self._gathered) >= WRITE_SIZE:
            await self._flush()

    async def seek(self, offset: int) -> None:  # noqa: ARG002 - Starlette does this after the last byte
        """Have all of it on the disk."""
        await self._flush()

    async def _flush(self) -> None:
        gathered, self._gathered = self._gathered, bytearray()
        await self._threads.run(_append, self.path, gathered)


class DiskParser(FormParser):
    """Writes a form's files into a folder, by numbers."""

    def __init__(
        self,
        request: Request,
        stream: AsyncGenerator[bytes, None],
        limits: FormLimits,
        folder: Path,
        threads: BlockingPool,
    ) -> None:
        super().__init__(request, stream, limits)
        self._folder, self._threads = folder, threads

    def make_file(self, name: str) -> UploadFile:
        """Make what a file is written into."""
        return DiskFile(self._folder / f"{self._current_files}.upload", name, self._threads)


class ReceivedForm(NamedTuple):
    """What a form had in it."""

    files: list[DiskFile]
    fields: dict[str, str]


async def receive_form(request: Request, folder: Path, threads: BlockingPool, most: int) -> ReceivedForm:
    """Take the files of the field `file` out of a form, `most` of them at most, and its other fields.

    Raises:
        Problem: with what to send instead.
        OSError: the disk refused.
    """
    if media_type(request) != FORM_TYPE:
        raise UnsupportedMedia("Send a multipart/form-data form with the field 'file'.")
    limits = FormLimits(most, most + MAX_FIELDS)
    form = await parsed(request, lambda stream: DiskParser(request, stream, limits, folder, threads))
    found = [part for name, part in form.multi_items() if name == "file" and isinstance(part, DiskFile)]
    if not found:
        raise missing("file", *(("archive", "pets.zip") if most == 1 else ()))
    return ReceivedForm(found, {name: value for name, value in form.items() if isinstance(value, str)})


async def receive_archive(request: Request, folder: Path, threads: BlockingPool) -> DiskFile:
    """Take one archive out of a request: a form's field `file`, or the whole body. Raises as `receive_form`."""
    kind = media_type(request)
    if kind == FORM_TYPE:
        return (await receive_form(request, folder, threads, 1)).files[0]
    if kind not in ARCHIVE_TYPES:
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


# Photographs are decoded as those of `/classify` are, by the same processes, and leave these room for others.
NETWORK_VIEW = View(224)  # as they will be decoded to be learned from


class DecodeCheck:
    """Has pictures decoded, at most `at_once`: what waits here waits before nobody in the sandbox's own queue."""

    def __init__(self, sandbox: Sandbox, at_once: int) -> None:
        self._sandbox, self.at_once = sandbox, at_once
        self._turn = asyncio.Semaphore(at_once)

    async def look(self, data: bytes, view: View = NETWORK_VIEW) -> Picture:
        """Decode a file.

        Raises:
            ImageProblem: it cannot be, within the limits.
            DecodersUnavailable: no decode process could take it.
        """
        async with self._turn:
            return await asyncio.wrap_future(self._sandbox.decode(data, (view,)))


# The files of an intake, each looked at: photographs go into the pack, and of the others it is noted why not.
class Photograph(NamedTuple):
    """A photograph that was decoded, and is in the pack."""

    path: str
    sha256: str
    spot: Spot
    width: int
    height: int
    format: str

    def entry(self, label: str) -> Entry:
        """Make it the index's, with its class."""
        return Entry(
            path=self.path,
            label=label,
            sha256=self.sha256,
            **self.spot._asdict(),
            width=self.width,
            height=self.height,
            format=self.format,
        )


@dataclass
class IngestResult:
    """What an intake has found."""

    seen: list[Photograph] = field(default_factory=list)
    rejected: list[Refused] = field(default_factory=list)
    folders: list[str] = field(default_factory=list)

    def refuse(self, path: str, reason: str) -> None:
        """Note a file that is not taken."""
        self.rejected.append(Refused(path=shown(path), reason=reason))


class Capacity(NamedTuple):
    """For what there is room: so many photographs more, and so many bytes of the whole data set."""

    images: int
    bytes: int


class Ingest:
    """Takes the files of one intake, as far as there is room: while one is decoded the next is read."""

    def __init__(self, looker: DecodeCheck, threads: BlockingPool, packer: Packer, room: Capacity) -> None:
        self._looker, self._threads, self._packer, self._room = looker, threads, packer, room
        self._pending: deque[tuple[File, asyncio.Task[Picture]]] = deque()
        self.taken = IngestResult()

    async def take(self, items: Iterator[Item]) -> IngestResult:
        """Take all of them.

        Raises:
            ArchiveProblem: the archive cannot be read on, or has more photographs than there is room for.
            OSError: the disk refused.
        """
        try:
            while item := await self._threads.run(next, items, None):
                await self._begin(item)
            while self._pending:
                await self._end()
        finally:
            for _, looking in self._pending:
                if not looking.cancel() and not looking.cancelled():
                    looking.exception()  # seen, though nobody wants it any more
        return self.taken

    async def _begin(self, item: Item) -> None:
        if isinstance(item, Folder):
            self.taken.folders.append(item.path)
        elif not isinstance(item, File):
            self.taken.refuse(item.path, item.reason)
        elif is_archive(item.data):
            self.taken.refuse(item.path, "It is an archive in an archive, which is not opened.")
        else:
            self._pending.append((item, asyncio.create_task(self._looker.look(item.data))))
            if len(self._pending) > self._looker.at_once:
                await self._end()

    async def _end(self) -> None:
        """Wait for the oldest, so that they keep their order."""
        file, looking = self._pending.popleft()
        try:
            picture = await looking
        except ImageProblem as problem:
            self.taken.refuse(file.path, str(problem))
            return
        if len(self.taken.seen) >= self._room.images:
            raise ArchiveTooLarge(f"There are more than {self._room.images:,} photographs. Send fewer.")
        sha256, spot = await self._threads.run(self._packer.add, file.data)
        if self._packer.bytes > self._room.bytes:
            raise ArchiveTooLarge(
                f"The data set would have more than {self._room.bytes:,} bytes. Send fewer, or smaller ones."
            )
        self.taken.seen.append(Photograph(file.path, sha256, spot, picture.width, picture.height, picture.format))


# Photographs into classes: by their folders, or by the label that they came with.
MAX_CLASSES = 1000
MIN_CLASSES = 2
MAX_REJECTED = 1000  # in an index, which grows with each request, and is read for each
REJECTED_IN_ERROR = 20  # refused files in an error
DUPLICATE_PATH = "There is a photograph with this path already."
EMPTY_FOLDER = "There is no picture in this folder that can be used, so that it is no class."
HOW_TO_SEND = "Send an archive with a folder for each class, and its photographs in it"


def label_by_folder(taken: IngestResult) -> Index:
    """Sort what came out of an archive.

    Raises:
        Invalid: there are not two classes.
        TooLarge: there are too many.
    """
    meant = [refused.path for refused in taken.rejected if looks_like_a_picture(refused.path)]
    found = layout([*(seen.path for seen in taken.seen), *meant])
    entries: dict[str, Entry] = {}
    for seen in taken.seen:
        try:
            label = found.label(seen.path)
        except Unlabelled as error:
            taken.refuse(seen.path, str(error))
            continue
        path = found.below(seen.path)
        if path in entries:
            taken.refuse(seen.path, DUPLICATE_PATH)
        else:
            entries[path] = seen._replace(path=path).entry(label)
    classes = {entry.label for entry in entries.values()}
    folders = {found.folder(path) for path in taken.folders} - classes - {None}
    for folder in sorted(str(folder) for folder in folders):
        taken.refuse(f"{folder}/", EMPTY_FOLDER)
    _check_classes(classes, taken.rejected)
    return _make_index(entries, taken.rejected)


def add_labelled(index: Index, taken: IngestResult) -> tuple[Index, int, int]:
    """Add photographs, whose paths begin with their class, to an index; say how many are new, and were there already.

    One that is called as another, as a telephone's often are, gets a name of its own.

    Raises:
        Invalid: not one can be used.
        TooLarge: there are too many classes then.
    """
    entries = {entry.path: entry for entry in index.photographs}
    before, unchanged = len(entries), 0
    for seen in taken.seen:
        path = _free_path(seen, entries)
        if path in entries:
            unchanged += 1
        else:
            entries[path] = seen._replace(path=path).entry(path.partition("/")[0])
    added = len(entries) - before
    if not added and not unchanged:
        raise _no_photographs(taken.rejected, "Send photographs as JPEG, PNG, WebP, GIF or BMP")
    if len({entry.label for entry in entries.values()}) > MAX_CLASSES:
        raise _too_many_classes()
    return _make_index(entries, [*index.rejected, *taken.rejected], index.rejected_more), added, unchanged


def parse_label(text: str | None) -> str:
    """Return a class's name that may be one.

    Raises:
        Invalid: it may not.
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


def _make_index(entries: Mapping[str, Entry], rejected: Sequence[Refused], more: int = 0) -> Index:
    """Make an index; a file that was refused again for the same reason is in it once."""
    once = list(dict.fromkeys(rejected))
    more += len(once[MAX_REJECTED:])
    return Index(photographs=list(entries.values()), rejected=once[:MAX_REJECTED], rejected_more=more)


def _free_path(seen: Photograph, entries: Mapping[str, Entry]) -> str:
    """Name a photograph as it came, or where another has that name, by its content as well."""
    there = entries.get(seen.path)
    if there is None or there.sha256 == seen.sha256:
        return seen.path
    path = PurePosixPath(seen.path)
    return str(path.with_name(f"{path.stem}-{seen.sha256[:16]}{path.suffix}"))


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


def dataset_name(asked: str | None, file_name: str) -> str:
    """Name a data set: as it was asked for, or as its archive is called."""
    stem = file_name.replace("\\", "/").rpartition("/")[2]
    for ending in (".zip", ".tar", ".tar.gz", ".tgz"):
        stem = stem[: -len(ending)] if stem.lower().endswith(ending) else stem
    return (asked or shown(stem).strip() or "photographs")[:100]


# Threads for what waits for a disk or a bucket, and never for those of the event loop's own pool.
Result = TypeVar("Result")
MAX_THREADS = 8


class BlockingPool:
    """Runs calls that block, each in a thread."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(MAX_THREADS, thread_name_prefix="datasets")

    async def run(self, call: Callable[..., Result], *arguments: object) -> Result:
        """Make a call; who is cancelled meanwhile leaves it to end by itself."""
        return await asyncio.get_running_loop().run_in_executor(self._pool, partial(call, *arguments))

    @asynccontextmanager
    async def within(self, made: AbstractContextManager[Result]) -> AsyncIterator[Result]:
        """Enter and leave a block's resource in threads."""
        entered = await self.run(made.__enter__)
        try:
            yield entered
        finally:
            await asyncio.shield(self.run(made.__exit__, None, None, None))

    def close(self) -> None:
        """Drop what waits; what runs is not waited for."""
        self._pool.shutdown(wait=False, cancel_futures=True)
