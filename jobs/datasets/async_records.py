"""The twin of `Datasets` for the API's event loop: the same calls, of which the API needs fewer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jobs.datasets import calls
from jobs.owners import EVERYBODY

if TYPE_CHECKING:
    from jobs.async_store import AsyncJobStore
    from jobs.datasets.model import Dataset, DatasetPage, Draft


class AsyncDatasets:
    """Data sets, for one who may not block; each method is what `Datasets`' of that name is, errors included."""

    def __init__(self, store: AsyncJobStore) -> None:
        self._store = store

    async def expect(self, part: str) -> None:
        """Say that a part is about to be published."""
        await self._store.run(calls.expect(part))

    async def put(self, draft: Draft, most: int) -> Dataset:
        """Record a data set whose files are published, or its next version."""
        return await self._store.run(calls.put(draft, most))

    async def get(self, dataset_id: str, whose: str = EVERYBODY) -> Dataset:
        """Read one."""
        return await self._store.run(calls.get(dataset_id, whose))

    async def list(self, limit: int = 20, after: str | None = None, whose: str = EVERYBODY) -> DatasetPage:
        """List data sets, the newest first."""
        while True:
            page = await self._store.run(calls.list_datasets(limit, after, whose))
            if page.datasets or not page.has_more:
                return page
            after = page.last

    async def count(self, owner: str) -> int:
        """Count an owner's data sets."""
        return await self._store.run(calls.count(owner))

    async def remove(self, dataset_id: str, whose: str = EVERYBODY) -> None:
        """Remove one. Its files are left to be."""
        await self._store.run(calls.remove(dataset_id, whose))

    async def files_removed(self, part: str) -> None:
        """Note that the files of a removed one's part are gone."""
        await self._store.run(calls.files_removed(part))
