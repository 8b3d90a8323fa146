"""Every network by one name: pretrained ones, those that jobs have trained, and the aliases of the latter."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import TYPE_CHECKING

from app.errors import Conflict, ModelUnusable, NotFound
from app.inference.model_cache import understood
from app.inference.model_slot import ModelSlot
from app.services.jobs import Desk, NoDesk
from bestguess.schemas.report import REPORT_FILE, Report
from jobs.artifacts import ArtifactDamaged, ArtifactsUnavailable
from jobs.errors import ModelNotFound, RecordDamaged, StoreUnavailable
from vision.networks.registry import NETWORKS

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence
    from pathlib import Path

    from app.inference.classifier import Networks
    from app.inference.model_cache import ModelCache
    from jobs.async_registry import AsyncRegistry
    from jobs.trained import Sort, TrainedModel

log = logging.getLogger(__name__)


class Gallery:
    """The pretrained networks of the engine, and the trained ones of the registry, where there is one.

    `deadline` is the seconds for which files of trained networks are waited for.
    """

    def __init__(self, engine: Networks, trained: ModelCache, desk: Desk | NoDesk, *, deadline: float) -> None:
        self.engine = engine
        self._trained, self._desk = trained, desk
        self._deadline = deadline

    @property
    def registry(self) -> AsyncRegistry:
        """The registry of trained networks.

        Raises:
            NotReady: there is no Redis.
        """
        if isinstance(self._desk, NoDesk):
            raise self._desk.refuse()
        return self._desk.registry

    async def find(self, name: str, whose: str) -> ModelSlot | TrainedModel:
        """Look a network up by its id or an alias, among those of `whose`.

        Raises:
            NotFound: nothing has this name.
            StoreUnavailable: it is no pretrained network's, and Redis, which knows the others, does not answer.
        """
        if name in self.engine.slots:
            return self.engine.slots[name]
        if isinstance(self._desk, Desk):
            with contextlib.suppress(ModelNotFound):
                return await self._desk.registry.get(name, whose)
        pretrained = ", ".join(self.engine.slots)
        raise NotFound(f"There is no model '{name[:80]}'. Pretrained are {pretrained}; GET /models lists all.")

    async def find_trained(self, name: str, whose: str, wish: str) -> TrainedModel:
        """Look a trained network up, for a `wish` that no pretrained one grants.

        Raises:
            Conflict: it is a pretrained one. Whatever `find` raises.
        """
        found = await self.find(name, whose)
        if isinstance(found, ModelSlot):
            raise Conflict(f"{found.network.title} was not trained here: {wish}.")
        return found

    async def trained(self, sort: Sort, whose: str) -> tuple[Sequence[TrainedModel], dict[str, str], str | None]:
        """List the trained networks of `whose` and their aliases; where Redis cannot be asked, none, and why."""
        if isinstance(self._desk, NoDesk):
            return (), {}, self._desk.detail
        try:
            known = [model for model in await self.registry.list(sort, whose) if understood(model)]
            return known, await self.registry.aliases(whose), None
        except StoreUnavailable as error:
            log.warning("Redis: %s", error)
            return (), {}, "Redis, which knows them, does not answer. Try again in a moment."

    def in_memory(self, model: TrainedModel) -> ModelSlot | None:
        """Return a trained network if it is loaded at this moment."""
        return self._trained.loaded(model.id)

    async def set_alias(self, name: str, model: str) -> TrainedModel:
        """Let a name stand for a trained network, given by its id or an alias; return the network.

        Raises:
            Conflict: it is a pretrained one. Whatever the registry raises.
        """
        if model in NETWORKS:
            raise Conflict(f"{NETWORKS[model].title} was not trained here: no alias can stand for it.")
        return await self.registry.set_alias(name, model, reserved=NETWORKS.keys())

    async def file(self, model: TrainedModel, name: str) -> Path:
        """Have one of a trained network's files here, whole and as its job recorded it.

        Raises:
            NotFound: it has no such file, or was removed meanwhile.
            ModelUnusable: that took longer than the deadline.
            ArtifactDamaged, ArtifactsUnavailable: as the store.
        """
        async with self._in_time(model, name):
            return await self._trained.files.get(model, name)

    async def report(self, model: TrainedModel) -> bytes:
        """Read a trained network's report, JSON. Raises as `file` does."""
        async with self._in_time(model, REPORT_FILE):
            return await self._trained.files.read(model, REPORT_FILE)

    async def report_or_trouble(self, model: TrainedModel) -> tuple[Report | None, str | None]:
        """Read a trained network's report, or say why it cannot be had.

        Raises:
            NotFound: the network was removed meanwhile.
        """
        if REPORT_FILE not in model.files:
            return None, "Its job has left no report."
        try:
            return Report.model_validate_json(await self.report(model)), None
        except (ArtifactsUnavailable, ModelUnusable) as error:
            log.warning("the report on %s: %s", model.id, error)
            return None, "Its report cannot be reached. Try again later."
        except (ArtifactDamaged, ValueError) as error:
            log.warning("the report on %s: %s", model.id, error)
            return None, "Its report is damaged."

    async def remove(self, name: str, whose: str) -> None:
        """Remove a trained network: nobody finds it from now on; its files go now, or when a worker looks for such.

        Also one whose record is damaged. Raises what `find_trained` raises but for that.

        Raises:
            ModelUsed: as the registry.
        """
        try:
            model_id = (await self.find_trained(name, whose, "it cannot be removed")).id
        except RecordDamaged as damage:
            if damage.record != "model":
                raise
            model_id = damage.name
        await self.registry.remove(model_id)
        try:
            async with asyncio.timeout(self._deadline):
                await self._trained.files.remove(model_id)
                await self.registry.files_removed(model_id)
        except (ArtifactsUnavailable, StoreUnavailable, TimeoutError) as error:
            reason = str(error) or "that takes too long"
            log.warning("the files of %s stay until a worker removes them: %s", model_id, reason)

    @contextlib.asynccontextmanager
    async def _in_time(self, model: TrainedModel, name: str) -> AsyncIterator[None]:
        if name not in model.files:
            raise NotFound(f"{model.id} has no {name}.")
        try:
            async with asyncio.timeout(self._deadline):
                yield
        except TimeoutError:
            log.warning("%s of %s is not here after %g s", name, model.id, self._deadline)
            raise ModelUnusable("The files of trained networks do not come. Try again later.") from None
