"""Data sets: create, extend, show and remove them."""

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
from app.services.jobs import require_redis
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
from vision.pictures.render import encoded

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    from fastapi import Request

    from app.inference.admission import Body
    from app.services.dataset_ingest import BlockingPool, DiskFile, IngestResult, PhotoDecoder
    from app.services.jobs import JobService
    from app.settings import Settings
    from jobs.artifacts import ArtifactStore
    from jobs.datasets.model import Dataset, Entry


log = logging.getLogger(__name__)

MAX_UPLOADS = 4  # at once: each has a file of its own on the disk, and they share the decode processes
MAX_PARTS = 500  # each adds files to the artifact store and lines to the record
MAX_FILES = 1000  # in one form
INDEXES_KEPT = 2  # the newest, and the one before it for requests that have just read the record that names it
INDEX_CACHE = 4  # indexes of a few megabytes at most: a page asks for one thumbnail after the other
REMOVE_SECONDS = 10.0  # after which the files of a removed data set are left to a worker
SWEEP_SECONDS = 3600.0
DISK_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class Added(NamedTuple):
    """Outcome of adding photographs; `unchanged` ones were in the data set already, so a repeated call does no harm."""

    dataset: Dataset
    added: int
    unchanged: int
    rejected: list[Refused]


class DatasetService:
    """Data sets: their records in Redis, and their photographs in the artifact store."""

    def __init__(
        self,
        settings: Settings,
        jobs: JobService | None,
        artifacts: ArtifactStore,
        decoder: PhotoDecoder,
        pool: BlockingPool,
    ) -> None:
        self.artifacts = artifacts
        self._settings, self._jobs, self._decoder, self._pool = settings, jobs, decoder, pool
        self._indexes: OrderedDict[str, Index] = OrderedDict()
        self._uploads = Bodies(MAX_UPLOADS, long=math.inf)  # a large archive takes minutes
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    @property
    def records(self) -> AsyncDatasets:
        """The records of data sets.

        Raises:
            NotReady: no Redis is configured.
        """
        return AsyncDatasets(require_redis(self._jobs).store)

    async def create_empty(self, name: str, owner: str) -> Dataset:
        """Create a data set without photographs.

        Raises:
            TooManyDatasets: the owner has as many as allowed.
        """
        draft = Draft(new_dataset_id(), name, owner, 0, summary(Index()), [], None)
        return await self.records.put(draft, self._settings.max_datasets)

    async def create_from_archive(self, request: Request, name: str | None, owner: str) -> Dataset:
        """Create a data set from the archive in a request's body.

        Raises:
            Problem: the archive cannot be used or kept; the detail says what to do.
            StoreError: see `AsyncDatasets.put`.
        """
        dataset_id = new_dataset_id()
        async with self._upload_slot(request) as body, self._scratch_folder(dataset_id) as folder:
            if await self.records.count(owner) >= self._settings.max_datasets:
                raise TooManyDatasets(self._settings.max_datasets)
            file = await receive_archive(request, folder, self._pool)
            body.arrived = True
            name = dataset_name(name, file.filename or "")
            draft = Draft(dataset_id, name, owner, 0, summary(Index()), [], None)
            return await while_connected(request, self._ingest_archive(folder, file, draft))

    async def add_photographs(self, request: Request, dataset_id: str, owner_filter: str) -> Added:
        """Add the photographs of a form, all of one class. Raises what `create_from_archive` raises."""
        await self.records.get(dataset_id, owner_filter)
        async with self._upload_slot(request) as body, self._scratch_folder(dataset_id) as folder:
            form = await receive_form(request, folder, self._pool, MAX_FILES)
            body.arrived = True
            label = parse_label(form.fields.get("label"))
            files = [(f"{label}/{file.filename or file.path.stem}", file.path) for file in form.files]
            photographs = loose_items(files, self._archive_bounds())
            return await while_connected(request, self._ingest_files(folder, dataset_id, owner_filter, photographs))

    async def thumbnail(self, dataset: Dataset, sha256: str, size: int) -> bytes:
        """Return one of a data set's photographs as a JPEG, its longer side at most `size` pixels.

        Raises:
            NotFound: it has no such photograph.
            StorageUnavailable: its bytes cannot be read.
        """
        index = await self._read_index(dataset)
        entry = next((entry for entry in index.photographs if entry.sha256 == sha256), None)
        if entry is None:
            raise NotFound(f"{dataset.id} has no photograph with the SHA-256 {sha256[:64]}.")
        with translate_storage_errors():
            data = await self._pool.run(self._read_photograph, dataset, entry)
        picture = await self._decoder.decode(data, View(size, "inside"))
        return await asyncio.to_thread(encoded, Image.fromarray(picture.views[0]), "JPEG")

    async def remove(self, dataset_id: str, owner_filter: str) -> None:
        """Remove a data set. Its files are removed as well; if that fails, a worker removes them later.

        Raises:
            DatasetNotFound, DatasetUsed: see `AsyncDatasets.remove`.
        """
        try:
            parts = (await self.records.get(dataset_id, owner_filter)).parts
        except RecordDamaged:  # nobody can say which files are its own
            parts = ()
        await self.records.remove(dataset_id, owner_filter)
        try:
            async with asyncio.timeout(REMOVE_SECONDS):
                for part in parts:
                    await self._pool.run(self.artifacts.remove, part.id)
                    await self.records.files_removed(part.id)
        except (ArtifactsUnavailable, StoreUnavailable, TimeoutError) as error:
            reason = str(error) or "removing them took too long"
            log.warning("the files of %s stay until a worker removes them: %s", dataset_id, reason)

    async def sweep_hourly(self) -> None:
        """Remove what killed processes have left half written on this machine, at once and then every hour.

        Workers sweep their own machines and the artifact store.
        """
        while True:
            try:
                for name in await self._pool.run(self.artifacts.sweep_here):
                    log.info("removed %s, which was left half written", name)
            except ArtifactsUnavailable as error:
                log.warning("%s", error)
            await asyncio.sleep(SWEEP_SECONDS)

    async def _ingest_archive(self, folder: Path, file: DiskFile, draft: Draft) -> Dataset:
        opened = await self._pool.run(lambda: file.path.open("rb"))
        with opened:
            with Packer(folder) as packer:
                result = await self._ingest(items(opened, self._archive_bounds()), packer)
            return await self._publish(draft, await self._pool.run(label_by_folder, result), packer.path)

    async def _ingest_files(
        self, folder: Path, dataset_id: str, owner_filter: str, photographs: Iterator[archives.Item]
    ) -> Added:
        async with self._locks.setdefault(dataset_id, asyncio.Lock()):
            dataset = await self.records.get(dataset_id, owner_filter)
            if len(dataset.parts) >= MAX_PARTS:
                raise Conflict(f"{dataset_id} was added to {MAX_PARTS} times, the most that may be. Send an archive.")
            index = await self._read_index(dataset)
            with Packer(folder, len(dataset.parts), spots(index.photographs)) as packer:
                result = await self._ingest(photographs, packer, len(index.photographs))
            grown, added, unchanged = await self._pool.run(add_labelled, index, result)
            if added:
                draft = Draft(
                    dataset.id, dataset.name, dataset.owner, dataset.version, summary(Index()), dataset.parts, None
                )
                dataset = await self._publish(draft, grown, packer.path)
            return Added(dataset, added, unchanged, result.rejected)

    async def _ingest(self, files: Iterator[archives.Item], packer: Packer, existing: int = 0) -> IngestResult:
        """Take files into a data set that has `existing` photographs already."""
        capacity = Capacity(self._settings.max_dataset_images - existing, self._settings.max_dataset_bytes)
        try:
            return await Ingest(self._decoder, self._pool, packer, capacity).run(files)
        except archives.ArchiveTooLarge as error:
            raise TooLarge(str(error)) from None
        except archives.ArchiveProblem as error:
            raise NotAnArchive(str(error)) from None

    async def _publish(self, draft: Draft, index: Index, pack: Path) -> Dataset:
        """Publish the pack with the index as a new part, and record the data set with it."""
        part_id, run = f"{draft.id}-{secrets.token_hex(4)}", self._pool.run
        await self.records.expect(part_id)
        part = await run(publish, self.artifacts, part_id, pack, index)
        parts = [*draft.parts, part]
        final = draft._replace(summary=await run(summary, index), parts=parts, new_part=part_id)
        dataset = await self.records.put(final, self._settings.max_datasets)
        for replaced in parts[:-INDEXES_KEPT][-1:]:
            try:
                await run(self.artifacts.remove_file, replaced.id, INDEX)
            except ArtifactsUnavailable as error:  # it is removed with its data set
                log.warning("an index that was replaced stays: %s", error)
        return dataset

    async def _read_index(self, dataset: Dataset) -> Index:
        """Return the index of a data set, from the cache if it is there.

        Raises:
            StorageUnavailable: it cannot be read.
        """
        if not dataset.parts:
            return Index()
        key = dataset.parts[-1].id
        if key not in self._indexes:
            with translate_storage_errors():
                self._indexes[key] = await self._pool.run(read_index, dataset, self.artifacts)
        self._indexes.move_to_end(key)
        while len(self._indexes) > INDEX_CACHE:
            self._indexes.popitem(last=False)
        return self._indexes[key]

    def _read_photograph(self, dataset: Dataset, entry: Entry) -> bytes:
        return verified(self.artifacts.read(dataset.parts[entry.part].id, PACK, entry.offset, entry.bytes), entry)

    @asynccontextmanager
    async def _upload_slot(self, request: Request) -> AsyncIterator[Body]:
        """Hold one of the slots for uploads, which may have to make way for another client's upload."""
        state = request.state
        try:
            async with self._uploads.reading(state.caller.counted_as, state.record) as body:
                yield body
        except QueueFull:
            message = f"{MAX_UPLOADS} data sets are being uploaded already. Try again later."
            raise Overloaded(message, retry_after=10) from None

    @asynccontextmanager
    async def _scratch_folder(self, dataset_id: str) -> AsyncIterator[Path]:
        """Give an upload a folder on the disk, for as long as an upload may take."""
        seconds = self._settings.dataset_seconds
        try:
            with translate_storage_errors():
                async with (
                    asyncio.timeout(seconds),
                    self._pool.enter(self.artifacts.scratch(dataset_id)) as folder,
                ):
                    yield folder
        except TimeoutError:
            raise DeadlinePassed(f"This took more than {seconds:g} s. Send fewer photographs at once.") from None

    def _archive_bounds(self) -> archives.Bounds:
        most = self._settings.max_dataset_images
        # Folders, and what macOS adds to each file, are members as well.
        return archives.Bounds(3 * most + 1000, self._settings.max_body_bytes, self._settings.max_dataset_bytes)


@contextmanager
def translate_storage_errors() -> Iterator[None]:
    """Log errors of the disk or the artifact store, and raise StorageUnavailable, which tells no paths, instead."""
    try:
        yield
    except TimeoutError:  # a subclass of OSError, but not the disk's fault
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
