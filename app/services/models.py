"""Catalogue of models: pretrained networks, networks that jobs have trained, and the aliases of the latter."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import TYPE_CHECKING

from app.errors import Conflict, ModelUnusable, NotFound
from app.inference.model_cache import understood
from app.inference.model_slot import ModelSlot
from app.services.jobs import NO_REDIS, JobService, require_redis
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


class ModelCatalog:
    """The pretrained networks, and the trained ones of the registry if Redis is configured.

    `deadline` is the time in seconds that loading a trained network's file may take.
    """

    def __init__(self, networks: Networks, trained: ModelCache, jobs: JobService | None, *, deadline: float) -> None:
        self.networks = networks
        self._trained, self._jobs = trained, jobs
        self._deadline = deadline

    @property
    def registry(self) -> AsyncRegistry:
        """The registry of trained networks.

        Raises:
            NotReady: no Redis is configured.
        """
        return require_redis(self._jobs).registry

    async def find(self, name: str, owner_filter: str) -> ModelSlot | TrainedModel:
        """Find a network by its id or an alias.

        Raises:
            NotFound: nothing has this name, or only a network of another owner.
            StoreUnavailable: it is not pretrained, and Redis, which knows the others, does not answer.
        """
        if name in self.networks.slots:
            return self.networks.slots[name]
        if self._jobs is not None:
            with contextlib.suppress(ModelNotFound):
                return await self._jobs.registry.get(name, owner_filter)
        pretrained = ", ".join(self.networks.slots)
        raise NotFound(f"There is no model '{name[:80]}'. Pretrained are {pretrained}; GET /models lists all.")

    async def find_trained(self, name: str, owner_filter: str, reason: str) -> TrainedModel:
        """Find a trained network; `reason` says in the error why a pretrained one will not do.

        Raises:
            Conflict: it is a pretrained one. Also whatever `find` raises.
        """
        found = await self.find(name, owner_filter)
        if isinstance(found, ModelSlot):
            raise Conflict(f"{found.network.title} was not trained here: {reason}.")
        return found

    async def list_trained(
        self, sort: Sort, owner_filter: str
    ) -> tuple[Sequence[TrainedModel], dict[str, str], str | None]:
        """Return the trained networks that this version understands, and their aliases; or none, and the reason."""
        if self._jobs is None:
            return (), {}, NO_REDIS
        try:
            known = [model for model in await self.registry.list(sort, owner_filter) if understood(model)]
            return known, await self.registry.aliases(owner_filter), None
        except StoreUnavailable as error:
            log.warning("Redis: %s", error)
            return (), {}, "Redis, which knows them, does not answer. Try again in a moment."

    def in_memory(self, model: TrainedModel) -> ModelSlot | None:
        """Return a trained network if it is loaded at this moment."""
        return self._trained.loaded(model.id)

    async def set_alias(self, name: str, model: str) -> TrainedModel:
        """Point an alias at a trained network, given by its id or another alias; return the network.

        Raises:
            Conflict: it is a pretrained one. Also whatever `AsyncRegistry.set_alias` raises.
        """
        if model in NETWORKS:
            raise Conflict(f"{NETWORKS[model].title} was not trained here: no alias can stand for it.")
        return await self.registry.set_alias(name, model, reserved=NETWORKS.keys())

    async def fetch_file(self, model: TrainedModel, name: str) -> Path:
        """Return the path of a trained network's file, fetched from the artifact store and verified.

        Raises:
            NotFound: it has no such file, or was removed meanwhile.
            ModelUnusable: it took longer than the deadline.
            ArtifactDamaged, ArtifactsUnavailable: see the artifact store.
        """
        async with self._deadline_for(model, name):
            return await self._trained.files.get(model, name)

    async def read_report(self, model: TrainedModel) -> bytes:
        """Return a trained network's report as JSON. Raises what `fetch_file` raises."""
        async with self._deadline_for(model, REPORT_FILE):
            return await self._trained.files.read(model, REPORT_FILE)

    async def try_report(self, model: TrainedModel) -> tuple[Report | None, str | None]:
        """Return a trained network's report, or None and the reason.

        Raises:
            NotFound: the network was removed meanwhile.
        """
        if REPORT_FILE not in model.files:
            return None, "Its job has left no report."
        try:
            return Report.model_validate_json(await self.read_report(model)), None
        except (ArtifactsUnavailable, ModelUnusable) as error:
            log.warning("the report on %s: %s", model.id, error)
            return None, "Its report cannot be reached. Try again later."
        except (ArtifactDamaged, ValueError) as error:
            log.warning("the report on %s: %s", model.id, error)
            return None, "Its report is damaged."

    async def remove(self, name: str, owner_filter: str) -> None:
        """Remove a trained network, also one whose record is damaged.

        Its files are removed as well; if that fails, a worker removes them later.

        Raises:
            ModelUsed: a job still needs it. Also whatever `find_trained` raises.
        """
        try:
            model_id = (await self.find_trained(name, owner_filter, "it cannot be removed")).id
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
            reason = str(error) or "removing them took too long"
            log.warning("the files of %s stay until a worker removes them: %s", model_id, reason)

    @contextlib.asynccontextmanager
    async def _deadline_for(self, model: TrainedModel, name: str) -> AsyncIterator[None]:
        if name not in model.files:
            raise NotFound(f"{model.id} has no {name}.")
        try:
            async with asyncio.timeout(self._deadline):
                yield
        except TimeoutError:
            log.warning("%s of %s could not be fetched within %g s", name, model.id, self._deadline)
            raise ModelUnusable("The files of this network cannot be fetched at present. Try again later.") from None
