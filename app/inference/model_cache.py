"""The networks that jobs have trained: loaded when first asked, and the most recently used of them kept in memory."""

from __future__ import annotations

import asyncio
import gc
from collections import OrderedDict
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from app.errors import NotEnoughMemory
from app.inference.artifact_cache import vanished
from app.inference.model_slot import HeadQueue, ModelSlot
from jobs.artifacts import MODEL
from vision import machine
from vision.digits.network import trained
from vision.networks.weights import FoundWeights

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from app.inference.artifact_cache import ArtifactCache
    from jobs.trained import TrainedModel

    Load = Callable[[TrainedModel, Path], ModelSlot]

LABEL = "trained"  # one name for all of them: there may be many, and they come and go
SMALL = 50_000_000  # bytes of a file for which nobody needs to make room
COPIES = 3  # of its numbers that a network takes while it is loaded; 2.7 were measured with the last layers of VGG16
BATCH_SIZES = (1, 8, 32)  # a digit takes a hundredth of a photo's work, so that padding costs nothing


@dataclass(slots=True, eq=False)
class _Entry:
    """A network, whose file has so many bytes; `in_memory` from when that begins to be loaded."""

    size: int
    loading: asyncio.Task[ModelSlot] = field(init=False)
    in_memory: bool = False
    users: int = 0

    @property
    def idle(self) -> bool:
        return self.users == 0 and self.loading.done()


class ModelCache:
    """At most `most` networks in memory, unless more are in use at once; `load` brings one there, and may block.

    Fewer where memory is short: `available` says how many bytes there are.
    """

    def __init__(
        self, files: ArtifactCache, load: Load, *, most: int, available: Callable[[], int | None] = machine.available
    ) -> None:
        self.files = files
        self.available = available
        self._load_file = load
        self._most = most
        self._entries: OrderedDict[str, _Entry] = OrderedDict()
        self._one_at_a_time = asyncio.Semaphore(1)
        self._spare = 0  # bytes that TensorFlow was given back, and keeps for the next who wants them

    @asynccontextmanager
    async def use(self, model: TrainedModel) -> AsyncIterator[ModelSlot]:
        """Have a network in memory for the time of a block: at once if it is there, after a second or two if not.

        Raises:
            NotFound: it was removed meanwhile.
            ArtifactDamaged: its file is gone, or not the one that its job has recorded.
            ArtifactsUnavailable: the store does not answer.
            WeightsError, NotFinite: the file is of another network, or of one that has no answers.
            NotEnoughMemory: it is large, and there is no room for it though nobody keeps another.
        """
        entry = self._entries.get(model.id) or self._enter(model)
        self._entries.move_to_end(model.id)
        entry.users += 1
        try:
            # Who goes away while it is loaded does not take it from the others.
            yield await asyncio.shield(entry.loading)
        finally:
            entry.users -= 1
            self._drop_unwanted(model.id, entry)
            self._let_go()

    def loaded(self, model_id: str) -> ModelSlot | None:
        """Return a network if it is in memory at this moment, ready to answer."""
        entry = self._entries.get(model_id)
        return entry.loading.result() if entry and _has_succeeded(entry.loading) else None

    @property
    def in_memory(self) -> list[ModelSlot]:
        """Those that are in memory, ready to answer."""
        return [entry.loading.result() for entry in self._entries.values() if _has_succeeded(entry.loading)]

    def close(self) -> None:
        """Fail what waits."""
        for entry in self._entries.values():
            entry.loading.cancel()
            self._end(entry)
        self._entries.clear()
        self.files.close()

    def _enter(self, model: TrainedModel) -> _Entry:
        entry = self._entries[model.id] = _Entry(model.bytes)
        entry.loading = asyncio.create_task(self._load(model, entry))
        entry.loading.add_done_callback(lambda _: self._loaded(model.id, entry))
        return entry

    async def _load(self, model: TrainedModel, entry: _Entry) -> ModelSlot:
        path = await self.files.get(model, MODEL)  # which may take long, and is no reason for others to wait
        async with self._one_at_a_time:
            entry.in_memory = True
            self._let_go()  # before there is one more
            self._make_room(model)
            try:
                return await asyncio.to_thread(self._load_file, model, path)
            except FileNotFoundError:
                raise vanished(model.id) from None

    def _make_room(self, model: TrainedModel) -> None:
        """End those that nobody uses, the least lately used first, until a large network fits."""
        if model.bytes <= SMALL:
            return
        wanted = COPIES * model.bytes
        while (there := self.available()) is not None and there + min(self._spare, model.bytes) < wanted:
            idle = next((model_id for model_id, entry in self._entries.items() if entry.idle), None)
            if idle is None:
                sizes = f"it needs {wanted / 1e9:.1f} GB while it is loaded, and {there / 1e9:.1f} GB are free"
                raise NotEnoughMemory(f"There is no room for {model.id}: {sizes}. Try again when less is going on.")
            self._end(self._entries.pop(idle))
        self._spare = max(0, self._spare - model.bytes)

    def _loaded(self, model_id: str, entry: _Entry) -> None:
        """Let the next who asks try again where it failed, and keep within bounds where nobody waits any more."""
        if not _has_succeeded(entry.loading):
            self._remove(model_id, entry)
        self._let_go()

    def _drop_unwanted(self, model_id: str, entry: _Entry) -> None:
        """Give up a load that has not begun and that nobody waits for; one that has begun cannot be stopped."""
        if not entry.users and not entry.in_memory:
            self._remove(model_id, entry)
            entry.loading.cancel()

    def _remove(self, model_id: str, entry: _Entry) -> None:
        if self._entries.get(model_id) is entry:
            del self._entries[model_id]

    def _let_go(self) -> None:
        """End those that were used least lately, as far as they are too many and nobody uses them."""
        too_many = sum(entry.in_memory for entry in self._entries.values()) - self._most
        idle = [model_id for model_id, entry in self._entries.items() if entry.idle]
        for model_id in idle[: max(0, too_many)]:
            self._end(self._entries.pop(model_id))

    def _end(self, entry: _Entry) -> None:
        if not _has_succeeded(entry.loading):
            return
        served = entry.loading.result()
        served.close(seconds=0)
        self._spare += entry.size if entry.size > SMALL else 0
        if isinstance(served.batcher, HeadQueue):  # it may be half a gigabyte, in circles that nobody else breaks soon
            served.batcher = None
            gc.collect()


def load_trained(
    model: TrainedModel,
    path: Path,
    *,
    capacity: int,
    linger: float,
    on_batch: Callable[[str, int], None] | None = None,
) -> ModelSlot:
    """Load a network of digits from its file, verified before, and put a queue of `capacity` before it.

    Raises:
        FileNotFoundError: the file is not there any more.
        WeightsError, NotFinite: it is of another network, or of one that has no answers.
    """
    # One that was let go is a knot of references: 13 MB outside Python, and a thousand objects in it, of which the
    # collector by itself waits for tens of thousands. What was frozen at the start is not gone through: 3 ms.
    gc.collect()
    network = trained(model.id, "trained here")
    served = ModelSlot(network, capacity=capacity, precision="float32", linger=linger, label=LABEL)
    served.on_batch = on_batch
    weights = FoundWeights(path, "trained", f"sha256:{model.sha256}", verified=True, size=model.bytes)
    served.load(weights, BATCH_SIZES)
    return served


def _has_succeeded(loading: asyncio.Task[ModelSlot]) -> bool:
    return loading.done() and not loading.cancelled() and loading.exception() is None
