"""The twin of `Registry` for the API's event loop: the same calls, of which the API needs fewer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jobs import registrations
from jobs.owners import EVERYBODY

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from jobs.async_store import AsyncJobStore
    from jobs.trained import Sort, TrainedModel


class AsyncRegistry:
    """Trained models, for one who may not block; each method is what `Registry`'s of that name is, errors included."""

    def __init__(self, store: AsyncJobStore) -> None:
        self._store = store

    async def list(self, sort: Sort = "created_at", whose: str = EVERYBODY) -> Sequence[TrainedModel]:
        """Read all models in one round trip: the newest first, or the best."""
        return await self._store.run(registrations.list_models(sort, whose))

    async def get(self, name: str, whose: str = EVERYBODY) -> TrainedModel:
        """Read a model by its id or an alias."""
        return await self._store.run(registrations.get(name, whose))

    async def aliases(self, whose: str = EVERYBODY) -> dict[str, str]:
        """Read which model's id each alias stands for."""
        return await self._store.run(registrations.aliases(whose))

    async def set_alias(self, name: str, model: str, reserved: Collection[str] = ()) -> TrainedModel:
        """Let a name stand for a model, and return the model."""
        return await self._store.run(registrations.set_alias(name, model, reserved))

    async def drop_alias(self, name: str) -> None:
        """Forget an alias."""
        await self._store.run(registrations.drop_alias(name))

    async def remove(self, model_id: str, *, unnamed: bool = False) -> bool:
        """Remove a model and every alias that names it; says whether it was removed. Its files are left to be."""
        return await self._store.run(registrations.remove(model_id, unnamed=unnamed))

    async def files_removed(self, model_id: str) -> None:
        """Note that the files of a removed model are gone."""
        await self._store.run(registrations.files_removed(model_id))
