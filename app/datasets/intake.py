"""How photographs come into a data set: from a request to the disk, looked at, sorted, published, and recorded."""

from __future__ import annotations

import asyncio
import math
import secrets
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, NamedTuple
from weakref import WeakValueDictionary

from app.datasets.receiving import receive_archive, receive_form
from app.datasets.sorting import by_folders, label_of, name_of, with_label
from app.datasets.taking import Room, Taking
from app.datasets.trouble import told
from app.disconnect import while_connected
from app.errors import Conflict, DeadlinePassed, NotAnArchive, Overloaded, TooLarge
from app.inference.admission import Bodies
from app.inference.batcher import QueueFull
from jobs.datasets.archives import items as archives
from jobs.datasets.archives.loose import loose_items
from jobs.datasets.archives.reading import items
from jobs.datasets.model import Draft, Index, Refused
from jobs.datasets.publishing import Packer, publish, spots
from jobs.datasets.summary import summary
from jobs.errors import TooManyDatasets
from jobs.ids import new_dataset_id

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    from fastapi import Request

    from app.datasets.receiving import DiskFile
    from app.datasets.shelf import Shelf
    from app.datasets.taking import Taken
    from app.inference.admission import Body
    from app.settings import Settings
    from jobs.datasets.model import Dataset

AT_ONCE = 4  # intakes: each has a file of its own on the disk, and they share the decode processes
MOST_PARTS = 500  # each adds its files to the store, and its lines to the record
MOST_FILES = 1000  # in one form
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
        self._bodies = Bodies(AT_ONCE, long=math.inf)  # a large archive takes minutes
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
            draft = Draft(dataset_id, name_of(name, file.filename or ""), owner, 0, summary(Index()), [], None)
            work = self._of_archive(folder, file, draft)
            return await while_connected(request, work)

    async def photographs(self, request: Request, dataset_id: str, whose: str) -> Added:
        """Add the photographs of a form, which are all of one class. Raises as `archive`."""
        await self._shelf.records.get(dataset_id, whose)
        async with self._place(request) as body, self._room(dataset_id) as folder:
            form = await receive_form(request, folder, self._shelf.threads, MOST_FILES)
            body.arrived = True
            label = label_of(form.fields.get("label"))
            files = [(f"{label}/{file.filename or file.path.stem}", file.path) for file in form.files]
            work = self._of_files(folder, dataset_id, whose, loose_items(files, self._bounds()))
            return await while_connected(request, work)

    async def _of_archive(self, folder: Path, file: DiskFile, draft: Draft) -> Dataset:
        opened = await self._shelf.threads.run(lambda: file.path.open("rb"))
        with opened:
            with Packer(folder) as packer:
                taken = await self._take(items(opened, self._bounds()), packer)
            return await self._keep(draft, await self._shelf.threads.run(by_folders, taken), packer.path)

    async def _of_files(self, folder: Path, dataset_id: str, whose: str, found: Iterator[archives.Item]) -> Added:
        async with self._turns.setdefault(dataset_id, asyncio.Lock()):
            dataset = await self._shelf.records.get(dataset_id, whose)
            if len(dataset.parts) >= MOST_PARTS:
                raise Conflict(f"{dataset_id} was added to {MOST_PARTS} times, the most that may be. Send an archive.")
            index = await self._shelf.index(dataset)
            with Packer(folder, len(dataset.parts), spots(index.photographs)) as packer:
                taken = await self._take(found, packer, len(index.photographs))
            grown, added, unchanged = await self._shelf.threads.run(with_label, index, taken)
            if added:
                draft = Draft(
                    dataset.id, dataset.name, dataset.owner, dataset.version, summary(Index()), dataset.parts, None
                )
                dataset = await self._keep(draft, grown, packer.path)
            return Added(dataset, added, unchanged, taken.rejected)

    async def _take(self, found: Iterator[archives.Item], packer: Packer, there: int = 0) -> Taken:
        """Take files into a data set in which so many photographs are there already."""
        room = Room(self._settings.max_dataset_images - there, self._settings.max_dataset_bytes)
        try:
            return await Taking(self._shelf.looker, self._shelf.threads, packer, room).take(found)
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
            async with self._bodies.reading(state.caller.counted_as, state.record) as body:
                yield body
        except QueueFull:
            message = f"{AT_ONCE} data sets are being taken in already. Try again later."
            raise Overloaded(message, retry_after=10) from None

    @asynccontextmanager
    async def _room(self, dataset_id: str) -> AsyncIterator[Path]:
        """Give a folder on the disk for an intake, for as long as one may take."""
        seconds = self._settings.dataset_seconds
        try:
            with told():
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
