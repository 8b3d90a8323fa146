"""Records of data sets in Redis for the worker, which may block; the API's calls are in `async_records`.

Each call may raise StoreUnavailable, within 5 s, and may be repeated after it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from jobs.datasets import calls
from jobs.owners import EVERYBODY

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from jobs.datasets.model import Dataset
    from jobs.store import JobStore


class Datasets:
    """Data sets; threads can share it. It lives as long as the store that it asks."""

    def __init__(self, store: JobStore) -> None:
        self._store = store

    def get(self, dataset_id: str) -> Dataset:
        """Read one.

        Raises:
            DatasetNotFound: there is none.
        """
        return self._store.run(calls.get(dataset_id, EVERYBODY))

    def leftovers(self) -> Sequence[str]:
        """Find up to a hundred published parts that belong to no record, and are not to get one any more."""
        return self._store.run(calls.leftovers(100))

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
