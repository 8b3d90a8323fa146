"""The records of data sets in Redis, for one who may block; `async_records` has the API's twin.

Each call may raise StoreUnavailable, within 5 s, and may be repeated after it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from jobs.datasets import calls
from jobs.owners import EVERYBODY

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from jobs.datasets.model import Dataset, DatasetPage, Draft
    from jobs.store import JobStore


class Datasets:
    """Data sets; threads can share it. It lives as long as the store that it asks."""

    def __init__(self, store: JobStore) -> None:
        self._store = store

    def expect(self, part: str) -> None:
        """Say that a part is about to be published: without a record of its own within six hours it is removed."""
        self._store.run(calls.expect(part))

    def put(self, draft: Draft, most: int) -> Dataset:
        """Record a data set whose files are published, or its next version; `most` is how many an owner may keep.

        Raises:
            TooManyDatasets: there are as many.
            DatasetNotFound: it was removed meanwhile.
            DatasetUsed: a job that is not over learns from it, and it has to stay as it is.
            DatasetChanged: it is no longer the version that this one is to replace, or its files were removed.
        """
        return self._store.run(calls.put(draft, most))

    def get(self, dataset_id: str, whose: str = EVERYBODY) -> Dataset:
        """Read one.

        Raises:
            DatasetNotFound: there is none.
        """
        return self._store.run(calls.get(dataset_id, whose))

    def list(self, limit: int = 20, after: str | None = None, whose: str = EVERYBODY) -> DatasetPage:
        """List data sets, the newest first, from the one that follows `after`."""
        while True:
            page = self._store.run(calls.list_datasets(limit, after, whose))
            if page.datasets or not page.has_more:
                return page
            after = page.last

    def remove(self, dataset_id: str, whose: str = EVERYBODY) -> None:
        """Remove one. From then on its files are `leftovers`, and somebody has to remove them.

        Raises:
            DatasetNotFound: there is none.
            DatasetUsed: a job that is not over learns from it.
        """
        self._store.run(calls.remove(dataset_id, whose))

    def leftovers(self, limit: int = 100) -> Sequence[str]:
        """Find published parts that belong to no record, and are not to get one any more."""
        return self._store.run(calls.leftovers(limit))

    def files_removed(self, part: str) -> None:
        """Note that the files of such a part are gone; may be said again."""
        self._store.run(calls.files_removed(part))

    def forget(self, remove: Callable[[str], bool]) -> Sequence[str]:
        """Let `remove(part)` remove the files of every such part, and name those that it could."""
        gone = []
        for part in self.leftovers():
            if remove(part):
                self.files_removed(part)
                gone.append(part)
        return gone
