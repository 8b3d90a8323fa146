"""What the service knows of data sets: their records in Redis, and their photographs in the store of artifacts."""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from typing import TYPE_CHECKING

from app.datasets.trouble import told
from app.errors import NotFound
from app.services.jobs import NoDesk
from app.wire import image
from jobs.artifacts import ArtifactsUnavailable
from jobs.datasets.async_records import AsyncDatasets
from jobs.datasets.model import INDEX, PACK
from jobs.datasets.opening import read_index, verified
from jobs.errors import RecordDamaged, StoreUnavailable
from vision.decode.images import View
from vision.pictures.render import encoded

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.datasets.looking import Looker
    from app.datasets.threads import Threads
    from app.services.jobs import Desk
    from jobs.artifacts import ArtifactStore
    from jobs.datasets.model import Dataset, Entry, Index, Part

log = logging.getLogger(__name__)

REMOVE_SECONDS = 10.0  # in which a removed data set's files go, or they are left to a worker
INDEXES = 4  # of a few megabytes at most, kept for the pictures that a page asks for one after the other


class Shelf:
    """Data sets, to be looked at and removed; `app.datasets.intake` adds to them."""

    def __init__(self, desk: Desk | NoDesk, artifacts: ArtifactStore, looker: Looker, threads: Threads) -> None:
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
            with told():
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
        with told():
            data = await self.threads.run(self._read, dataset, entry)
        seen = await self.looker.look(data, View(size, "inside"))
        return await asyncio.to_thread(encoded, image(seen.views[0]), "JPEG")

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
