"""Records of data sets in Redis for the API's event loop; the worker's calls are in `records`.

Each call may raise StoreUnavailable, within 5 s, and may be repeated after it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from jobs.datasets import calls
from jobs.owners import EVERYBODY

if TYPE_CHECKING:
    from jobs.async_store import AsyncJobStore
    from jobs.datasets.model import Dataset, DatasetPage, Draft


class AsyncDatasets:
    """Asyncio client of the records of data sets. With `whose`, data sets of other owners are not found."""

    def __init__(self, store: AsyncJobStore) -> None:
        self._store = store

    async def expect(self, part: str) -> None:
        """Say that a part is about to be published: without a record of its own within six hours it is removed."""
        await self._store.run(calls.expect(part))

    async def put(self, draft: Draft, most: int) -> Dataset:
        """Record a data set whose files are published, or its next version; `most` is how many an owner may keep.

        Raises:
            TooManyDatasets: there are as many.
            DatasetNotFound: it was removed meanwhile.
            DatasetUsed: a job that is not over learns from it, and it has to stay as it is.
            DatasetChanged: it is no longer the version that this one is to replace, or its files were removed.
        """
        return await self._store.run(calls.put(draft, most))

    async def get(self, dataset_id: str, whose: str = EVERYBODY) -> Dataset:
        """Read one.

        Raises:
            DatasetNotFound: there is none.
        """
        return await self._store.run(calls.get(dataset_id, whose))

    async def list(self, limit: int = 20, after: str | None = None, whose: str = EVERYBODY) -> DatasetPage:
        """List data sets, the newest first, from the one that follows `after`."""
        while True:
            page = await self._store.run(calls.list_datasets(limit, after, whose))
            if page.datasets or not page.has_more:
                return page
            after = page.last

    async def count(self, owner: str) -> int:
        """Count an owner's data sets."""
        return await self._store.run(calls.count(owner))

    async def remove(self, dataset_id: str, whose: str = EVERYBODY) -> None:
        """Remove one. From then on its files are leftovers, which somebody has to remove.

        Raises:
            DatasetNotFound: there is none.
            DatasetUsed: a job that is not over learns from it.
        """
        await self._store.run(calls.remove(dataset_id, whose))

    async def files_removed(self, part: str) -> None:
        """Note that the files of a removed one's part are gone."""
        await self._store.run(calls.files_removed(part))
