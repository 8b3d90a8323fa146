"""The registry of trained models in Redis: a record for each, made with the end of its job, which it outlives.

These are the blocking calls of the worker; the API's are in `async_registry`. Each may raise StoreUnavailable, within
5 s, and may be repeated after it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from jobs import registrations
from jobs.owners import EVERYBODY

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from jobs.store import JobStore
    from jobs.trained import TrainedModel


class Registry:
    """Trained models, for one who may block; threads can share it. It lives as long as the store that it asks."""

    def __init__(self, store: JobStore) -> None:
        self._store = store

    def get(self, name: str) -> TrainedModel:
        """Read a model by its id or an alias.

        Raises:
            ModelNotFound: nothing has this name.
        """
        return self._store.run(registrations.get(name, EVERYBODY))

    def remove(self, model_id: str, *, unnamed: bool = False) -> bool:
        """Remove a model and every alias that names it, or only if none does; says whether it was removed.

        From then on its files are `leftovers`: nobody may believe in them, and somebody has to remove them. One that
        only goes if nothing names it stays for a job as well that is not over and begins with it.

        Raises:
            ModelUsed: a job that is not over begins with it.
        """
        return self._store.run(registrations.remove(model_id, unnamed=unnamed))

    def surplus(self, most: int) -> Sequence[TrainedModel]:
        """Find the models beyond the `most` newest of each owner that no alias names; oldest first.

        `latest` and `best` are aliases here, each owner's own, and so is what a job that is not over begins with.

        Raises:
            ValueError: `most` is negative.
        """
        return self._store.run(registrations.surplus(most))

    def leftovers(self) -> Sequence[str]:
        """Find the ids of removed models whose files may still be there."""
        return self._store.run(registrations.leftovers())

    def files_removed(self, model_id: str) -> None:
        """Note that the files of a removed model are gone; may be said again."""
        self._store.run(registrations.files_removed(model_id))

    def prune(self, most: int, remove: Callable[[str], bool]) -> Sequence[str]:
        """Remove the surplus, then let `remove(model_id)` remove the files of every removed model; name those it could.

        In this order a crash, or a store that is away, leaves files that no record names, and which are found again.
        One that got an alias meanwhile stays.

        Raises:
            ValueError: `most` is negative. Whatever `remove` raises; the next call tries again.
        """
        for model in self.surplus(most):
            self.remove(model.id, unnamed=True)
        gone = []
        for model_id in self.leftovers():
            if remove(model_id):
                self.files_removed(model_id)
                gone.append(model_id)
        return gone
