"""Registry of trained models in Redis for the API's event loop; the worker's calls are in `registry`.

Each call may raise StoreUnavailable, within 5 s, and may be repeated after it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from jobs import registrations
from jobs.owners import EVERYBODY

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from jobs.async_store import AsyncJobStore
    from jobs.trained import Sort, TrainedModel


class AsyncRegistry:
    """Asyncio client of the registry. With `whose`, models of other owners are not found."""

    def __init__(self, store: AsyncJobStore) -> None:
        self._store = store

    async def list(self, sort: Sort = "created_at", whose: str = EVERYBODY) -> Sequence[TrainedModel]:
        """Read all models in one round trip: the newest first, or the best.

        The best is the one with the highest test accuracy, among those that were tested on an official data set, then
        among the others; of equals the newest.
        """
        return await self._store.run(registrations.list_models(sort, whose))

    async def get(self, name: str, whose: str = EVERYBODY) -> TrainedModel:
        """Read a model by its id or an alias.

        Raises:
            ModelNotFound: nothing has this name.
        """
        return await self._store.run(registrations.get(name, whose))

    async def aliases(self, whose: str = EVERYBODY) -> dict[str, str]:
        """Read which model's id each alias stands for; `latest` and `best` are there as soon as a model is."""
        return await self._store.run(registrations.aliases(whose))

    async def set_alias(self, name: str, model: str, reserved: Collection[str] = ()) -> TrainedModel:
        """Let a name stand for a model, given by its id or an alias, whatever the name stood for; return the model.

        What an alias means is looked up now, so moving that one later does not move this one.

        Raises:
            InvalidAlias: the name may not be one, or is `reserved`, or there are a hundred already.
            ModelNotFound: there is no such model.
        """
        return await self._store.run(registrations.set_alias(name, model, reserved))

    async def drop_alias(self, name: str) -> None:
        """Forget an alias; its model stays.

        Raises:
            InvalidAlias: it is one that goes by itself.
            AliasNotFound: there is no such alias.
        """
        await self._store.run(registrations.drop_alias(name))

    async def remove(self, model_id: str) -> bool:
        """Remove a model and every alias that names it; says whether it was removed. Its files are left to be."""
        return await self._store.run(registrations.remove(model_id, unnamed=False))

    async def files_removed(self, model_id: str) -> None:
        """Note that the files of a removed model are gone."""
        await self._store.run(registrations.files_removed(model_id))
