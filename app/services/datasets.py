"""What the service knows of data sets: their records in Redis, and their photographs in the store of artifacts."""

from __future__ import annotations

import asyncio
import errno
import logging
import math
import secrets
from collections import OrderedDict
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, NamedTuple
from weakref import WeakValueDictionary

from PIL import Image

from app.errors import Conflict, DeadlinePassed, NotAnArchive, NotFound, Overloaded, StorageUnavailable, TooLarge
from app.inference.admission import Bodies
from app.inference.batcher import QueueFull
from app.responses import while_connected
from app.services.dataset_ingest import (
    Capacity,
    Ingest,
    add_labelled,
    dataset_name,
    label_by_folder,
    parse_label,
    receive_archive,
    receive_form,
)
from app.services.jobs import NoDesk
from jobs.artifacts import ArtifactDamaged, ArtifactsUnavailable
from jobs.datasets.archives import items as archives
from jobs.datasets.archives.loose import loose_items
from jobs.datasets.archives.reading import items
from jobs.datasets.async_records import AsyncDatasets
from jobs.datasets.model import INDEX, PACK, Draft, Index, Refused
from jobs.datasets.opening import read_index, verified
from jobs.datasets.publishing import Packer, publish, spots
from jobs.datasets.summary import summary
from jobs.errors import RecordDamaged, StoreUnavailable, TooManyDatasets
from jobs.ids import new_dataset_id
from vision.decode.images import View
from vision.pictures.files import encoded

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Sequence
    from pathlib import Path

    from fastapi import Request

    from app.inference.admission import Body
    from app.services.dataset_ingest import BlockingPool, DecodeCheck, DiskFile, IngestResult
    from app.services.jobs import JobService
    from app.settings import Settings
    from jobs.artifacts import ArtifactStore
    from jobs.datasets.model import Dataset, Entry, Part


log = logging.getLogger(__name__)

REMOVE_SECONDS = 10.0  # in which a removed data set's files go, or they are left to a worker
INDEXES = 4  # of a few megabytes at most, kept for the pictures that a page asks for one after the other


class Shelf:
    """Data sets, to be looked at and removed; `app.services.datasets` adds to them."""

    def __init__(
        self, desk: JobService | NoDesk, artifacts: ArtifactStore, looker: DecodeCheck, threads: BlockingPool
    ) -> None:
        self._desk, self.artifacts, self.threads, self.looker = desk, artifacts, threads, looker
        self._indexes: OrderedDict[str, Index] = OrderedDict()

    @property
    def records(self) -> AsyncDatasets:
        """Their records.

        Raises:
            NotReady: there is no Redis.
        """
        if isinstance(self._desk, NoDesk):
            raise self._desk.refuse()
        return AsyncDatasets(self._desk.store)

    async def index(self, dataset: Dataset) -> Index:
        """Read the index of a data set.

        Raises:
            StorageUnavailable: it cannot be had.
        """
        if not dataset.parts:
            return await self.threads.run(read_index, dataset, self.artifacts)
        key = dataset.parts[-1].id
        if key not in self._indexes:
            with translate_storage_errors():
                self._indexes[key] = await self.threads.run(read_index, dataset, self.artifacts)
        self._indexes.move_to_end(key)
        while len(self._indexes) > INDEXES:
            self._indexes.popitem(last=False)
        return self._indexes[key]

    async def picture(self, dataset: Dataset, sha256: str, size: int) -> bytes:
        """Draw one of a data set's photographs as a JPEG, its longer side at most `size` pixels.

        Raises:
            NotFound: it has no such photograph.
            StorageUnavailable: its bytes cannot be had.
        """
        photographs = (await self.index(dataset)).photographs
        entry = next((entry for entry in photographs if entry.sha256 == sha256), None)
        if entry is None:
            raise NotFound(f"{dataset.id} has no photograph with the SHA-256 {sha256[:64]}.")
        with translate_storage_errors():
            data = await self.threads.run(self._read, dataset, entry)
        seen = await self.looker.look(data, View(size, "inside"))
        return await asyncio.to_thread(encoded, Image.fromarray(seen.views[0]), "JPEG")

    async def remove(self, dataset_id: str, whose: str) -> None:
        """Remove a data set: nobody finds it from now on; its files go now, or when a worker looks for such.

        Raises:
            DatasetNotFound, DatasetUsed: as the records.
        """
        try:
            parts = (await self.records.get(dataset_id, whose)).parts
        except RecordDamaged:  # which files are its own nobody can say
            parts = ()
        await self.records.remove(dataset_id, whose)
        try:
            async with asyncio.timeout(REMOVE_SECONDS):
                for part in parts:
                    await self.threads.run(self.artifacts.remove, part.id)
                    await self.records.files_removed(part.id)
        except (ArtifactsUnavailable, StoreUnavailable, TimeoutError) as error:
            reason = str(error) or "that takes too long"
            log.warning("the files of %s stay until a worker removes them: %s", dataset_id, reason)

    async def remove_indexes(self, parts: Sequence[Part]) -> None:
        """Remove indexes that later ones have replaced; what cannot be removed goes with its data set."""
        try:
            for part in parts:
                await self.threads.run(self.artifacts.remove_file, part.id, INDEX)
        except ArtifactsUnavailable as error:
            log.warning("an index that nobody needs stays: %s", error)

    def _read(self, dataset: Dataset, entry: Entry) -> bytes:
        return verified(self.artifacts.read(dataset.parts[entry.part].id, PACK, entry.offset, entry.bytes), entry)


# How photographs come into a data set: from a request to the disk, looked at, sorted, published, and recorded.
MAX_UPLOADS = 4  # intakes: each has a file of its own on the disk, and they share the decode processes
MAX_PARTS = 500  # each adds its files to the store, and its lines to the record
MAX_FILES = 1000  # in one form
INDEXES_KEPT = 2  # the newest, and the one before it for those who have just read the record that names it


class Added(NamedTuple):
    """What came of adding photographs; `unchanged` were there already, so that a repeated call does no harm."""

    dataset: Dataset
    added: int
    unchanged: int
    rejected: list[Refused]


class Intake:
    """Makes data sets, and adds to them."""

    def __init__(self, shelf: Shelf, settings: Settings) -> None:
        self._shelf, self._settings = shelf, settings
        self._bodies = Bodies(MAX_UPLOADS, long=math.inf)  # a large archive takes minutes
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def empty(self, name: str, owner: str) -> Dataset:
        """Make a data set without photographs.

        Raises:
            TooManyDatasets: the owner has as many as may be.
        """
        draft = Draft(new_dataset_id(), name, owner, 0, summary(Index()), [], None)
        return await self._shelf.records.put(draft, self._settings.max_datasets)

    async def archive(self, request: Request, name: str | None, owner: str) -> Dataset:
        """Make a data set of a request's archive.

        Raises:
            Problem: with what to send instead, or why it cannot be kept.
            StoreError: Redis is away.
        """
        dataset_id = new_dataset_id()
        async with self._place(request) as body, self._room(dataset_id) as folder:
            await self._check_quota(owner)
            file = await receive_archive(request, folder, self._shelf.threads)
            body.arrived = True
            draft = Draft(dataset_id, dataset_name(name, file.filename or ""), owner, 0, summary(Index()), [], None)
            work = self._of_archive(folder, file, draft)
            return await while_connected(request, work)

    async def photographs(self, request: Request, dataset_id: str, whose: str) -> Added:
        """Add the photographs of a form, which are all of one class. Raises as `archive`."""
        await self._shelf.records.get(dataset_id, whose)
        async with self._place(request) as body, self._room(dataset_id) as folder:
            form = await receive_form(request, folder, self._shelf.threads, MAX_FILES)
            body.arrived = True
            label = parse_label(form.fields.get("label"))
            files = [(f"{label}/{file.filename or file.path.stem}", file.path) for file in form.files]
            work = self._of_files(folder, dataset_id, whose, loose_items(files, self._bounds()))
            return await while_connected(request, work)

    async def _of_archive(self, folder: Path, file: DiskFile, draft: Draft) -> Dataset:
        opened = await self._shelf.threads.run(lambda: file.path.open("rb"))
        with opened:
            with Packer(folder) as packer:
                taken = await self._take(items(opened, self._bounds()), packer)
            return await self._keep(draft, await self._shelf.threads.run(label_by_folder, taken), packer.path)

    async def _of_files(self, folder: Path, dataset_id: str, whose: str, found: Iterator[archives.Item]) -> Added:
        async with self._turns.setdefault(dataset_id, asyncio.Lock()):
            dataset = await self._shelf.records.get(dataset_id, whose)
            if len(dataset.parts) >= MAX_PARTS:
                raise Conflict(f"{dataset_id} was added to {MAX_PARTS} times, the most that may be. Send an archive.")
            index = await self._shelf.index(dataset)
            with Packer(folder, len(dataset.parts), spots(index.photographs)) as packer:
                taken = await self._take(found, packer, len(index.photographs))
            grown, added, unchanged = await self._shelf.threads.run(add_labelled, index, taken)
            if added:
                draft = Draft(
                    dataset.id, dataset.name, dataset.owner, dataset.version, summary(Index()), dataset.parts, None
                )
                dataset = await self._keep(draft, grown, packer.path)
            return Added(dataset, added, unchanged, taken.rejected)

    async def _take(self, found: Iterator[archives.Item], packer: Packer, there: int = 0) -> IngestResult:
        """Take files into a data set in which so many photographs are there already."""
        room = Capacity(self._settings.max_dataset_images - there, self._settings.max_dataset_bytes)
        try:
            return await Ingest(self._shelf.looker, self._shelf.threads, packer, room).take(found)
        except archives.ArchiveTooLarge as error:
            raise TooLarge(str(error)) from None
        except archives.ArchiveProblem as error:
            raise NotAnArchive(str(error)) from None

    async def _keep(self, draft: Draft, index: Index, pack: Path) -> Dataset:
        """Publish the pack with the index, and record the data set as it is then."""
        part_id, run = f"{draft.id}-{secrets.token_hex(4)}", self._shelf.threads.run
        await self._shelf.records.expect(part_id)
        part = await run(publish, self._shelf.artifacts, part_id, pack, index)
        parts = [*draft.parts, part]
        whole = draft._replace(summary=await run(summary, index), parts=parts, new_part=part_id)
        kept = await self._shelf.records.put(whole, self._settings.max_datasets)
        await self._shelf.remove_indexes(parts[:-INDEXES_KEPT][-1:])
        return kept

    @asynccontextmanager
    async def _place(self, request: Request) -> AsyncIterator[Body]:
        """Hold one of the places for intakes, which may have to make way for another client's."""
        state = request.state
        try:
            async with self._bodies.reading(state.caller.counted_as, state.exchange) as body:
                yield body
        except QueueFull:
            message = f"{MAX_UPLOADS} data sets are being taken in already. Try again later."
            raise Overloaded(message, retry_after=10) from None

    @asynccontextmanager
    async def _room(self, dataset_id: str) -> AsyncIterator[Path]:
        """Give a folder on the disk for an intake, for as long as one may take."""
        seconds = self._settings.dataset_seconds
        try:
            with translate_storage_errors():
                async with (
                    asyncio.timeout(seconds),
                    self._shelf.threads.within(self._shelf.artifacts.scratch(dataset_id)) as folder,
                ):
                    yield folder
        except TimeoutError:
            raise DeadlinePassed(f"This took more than {seconds:g} s. Send fewer photographs at once.") from None

    async def _check_quota(self, owner: str) -> None:
        most = self._settings.max_datasets
        if await self._shelf.records.count(owner) >= most:
            raise TooManyDatasets(most)

    def _bounds(self) -> archives.Bounds:
        most = self._settings.max_dataset_images
        # Folders, and what macOS adds to each file, are members as well.
        return archives.Bounds(3 * most + 1000, self._settings.max_body_bytes, self._settings.max_dataset_bytes)


# What a disk or a store refuses is our fault, and told as such.
DISK_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


@contextmanager
def translate_storage_errors() -> Iterator[None]:
    """Raise StorageUnavailable for what the disk or the store of artifacts refuses, and log why."""
    try:
        yield
    except TimeoutError:  # an OSError by birth, and about us
        raise
    except ArtifactDamaged as error:
        log.error("a data set: %s", error)  # noqa: TRY400 - where it was raised says nothing
        raise StorageUnavailable("The files of this data set are damaged. Delete it, and send it again.") from error
    except (ArtifactsUnavailable, OSError) as error:
        log.error("a data set: %s", error)  # noqa: TRY400
        raise StorageUnavailable(_explain_storage_error(error)) from error


def _explain_storage_error(error: Exception) -> str:
    cause = error if isinstance(error, OSError) else error.__cause__
    if isinstance(cause, OSError) and cause.errno in DISK_FULL:
        return "There is no room for it here. Whoever runs this service has to make some; then send it again."
    return "The place where data sets are kept cannot be used now. Try again later."


# What killed processes have left of intakes on this machine; a worker sees to its own machine, and to the store.
SWEEP_SECONDS = 3600.0


async def sweep_hourly(shelf: Shelf) -> None:
    """Remove it, now and every hour, without an end; what cannot be removed is told of in the log."""
    while True:
        try:
            for name in await shelf.threads.run(shelf.artifacts.sweep_here):
                log.info("%s was left half written, and is removed", name)
        except ArtifactsUnavailable as error:
            log.warning("%s", error)
        await asyncio.sleep(SWEEP_SECONDS)
