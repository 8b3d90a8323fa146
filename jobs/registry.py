"""The registry of trained models in Redis: a record for each, made with the end of its job, which it outlives.

Each call may raise StoreUnavailable, within 5 s, and may be repeated after it. `async_registry` has the API's twin.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from jobs import registrations
from jobs.owners import EVERYBODY
from jobs.trained import Sort, TrainedModel

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from jobs.store import JobStore

__all__ = ["Registry", "Sort", "TrainedModel"]


class Registry:
    """Trained models, for one who may block; threads can share it. It lives as long as the store that it asks."""

    def __init__(self, store: JobStore) -> None:
        self._store = store

    def list(self, sort: Sort = "created_at", whose: str = EVERYBODY) -> Sequence[TrainedModel]:
        """Read all models in one round trip: the newest first, or the best.

        The best is the one with the highest test accuracy, among those that were tested on an official data set, then
        among the others; of equals the newest.
        """
        return self._store.run(registrations.list_models(sort, whose))

    def get(self, name: str, whose: str = EVERYBODY) -> TrainedModel:
        """Read a model by its id or an alias.

        Raises:
            ModelNotFound: nothing has this name.
        """
        return self._store.run(registrations.get(name, whose))

    def aliases(self, whose: str = EVERYBODY) -> dict[str, str]:
        """Read which model's id each alias stands for; `latest` and `best` are there as soon as a model is."""
        return self._store.run(registrations.aliases(whose))

    def set_alias(self, name: str, model: str, reserved: Collection[str] = ()) -> TrainedModel:
        """Let a name stand for a model, given by its id or an alias, whatever the name stood for; return the model.

        What an alias means is looked up now, so moving that one later does not move this one.

        Raises:
            InvalidAlias: the name may not be one, or is `reserved`, or there are a hundred already.
            ModelNotFound: there is no such model.
        """
        return self._store.run(registrations.set_alias(name, model, reserved))

    def drop_alias(self, name: str) -> None:
        """Forget an alias; its model stays.

        Raises:
            InvalidAlias: it is one that goes by itself.
            AliasNotFound: there is no such alias.
        """
        self._store.run(registrations.drop_alias(name))

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
