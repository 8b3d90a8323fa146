"""From nothing to answers: find the weights or fetch them, load, warm up; all of it beside the event loop."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from app.inference.hardware import import_tensorflow
from app.inference.loading import load
from app.inference.obtaining import Obtaining
from app.inference.on_demand import OnDemand

if TYPE_CHECKING:
    from app.inference.engine import Engine
    from app.inference.served import Served
    from app.settings import Settings
    from vision.weights import FoundWeights

log = logging.getLogger(__name__)


class BringUp:
    """Brings an engine's networks up, in the order in which they are useful first; others when they are asked for."""

    def __init__(self, engine: Engine, settings: Settings) -> None:
        self._engine = engine
        self._turn = asyncio.Lock()  # one download at a time: the first network's is wanted first
        self._obtaining = {
            served.network.id: Obtaining(served, served.network.weights, settings)
            for served in engine.networks.values()
            if served.network.weights
        }
        self.on_demand = OnDemand(self._obtaining)
        engine.on_ask = self.on_demand.ask

    async def run(self) -> None:
        """Load what is there, and fetch what is not; returns once every network is ready or has failed for good.

        What is ready already is left alone, so that this can be called again after an error.
        """
        listed = [served for served in self._engine.listed if served is not self._engine.stand_in]
        # All take seconds. Where TensorFlow cannot be imported, the networks that want it say so.
        looks = asyncio.gather(*(self._find(served) for served in listed))
        found, _ = await asyncio.gather(looks, asyncio.to_thread(import_tensorflow), return_exceptions=True)
        if isinstance(found, BaseException):
            raise found
        weights = {served: there for served, there in zip(listed, found, strict=True) if there}
        self._engine.coming.update(weights)
        missing = [served for served in listed if served not in weights]
        await asyncio.gather(self._load_what_is_there(weights), *(self._obtain(served) for served in missing))

    def stop(self) -> None:
        """End downloads, whose parts are kept, and what was asked for and is not there yet."""
        for obtaining in self._obtaining.values():
            obtaining.stop()
        self.on_demand.close()

    async def _load_what_is_there(self, weights: dict[Served, FoundWeights]) -> None:
        """Load the first network or, where it has to wait, what answers in its place; then the rest."""
        primary = self._engine.primary
        if primary in weights:
            await self._load(primary, weights.pop(primary))
        await self._load_stand_in()
        for served, found in weights.items():
            await self._load(served, found)

    async def _load_stand_in(self) -> None:
        stand_in, primary = self._engine.stand_in, self._engine.primary
        if stand_in is None or stand_in.network.carried is None:
            return
        await load(stand_in, stand_in.network.carried)
        if stand_in.ready and not primary.ready:
            place = f"{stand_in.network.title} answers in {primary.network.title}'s place."
            log.warning("%s %s", place, self._engine.explain(primary))

    async def _load(self, served: Served, found: FoundWeights) -> None:
        await load(served, lambda: found)
        self._engine.coming.discard(served)

    async def _obtain(self, served: Served) -> None:
        """Fetch the official weights, or wait until somebody puts them there, then load them."""
        if (obtaining := self._obtaining.get(served.network.id)) and (found := await obtaining.obtain(self._turn)):
            await self._load(served, found)

    async def _find(self, served: Served) -> FoundWeights | None:
        if obtaining := self._obtaining.get(served.network.id):
            return await obtaining.find()
        try:
            return await asyncio.to_thread(served.network.carried) if served.network.carried else None
        except Exception as error:  # its report says so, and the other networks go on
            served.fail_to_load(error)
            log.exception("%s could not be loaded", served.network.title)
            return None
