"""Networks that jobs have trained: what their records say, loading, and the cache of those that were used last."""

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
from jobs.queue import FINETUNE, MNIST_TRAIN
from vision import machine
from vision.digits.network import trained
from vision.networks import transfer_learning
from vision.networks.registry import NETWORKS
from vision.networks.weights import FoundWeights, WeightsError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from app.inference.artifact_cache import ArtifactCache
    from jobs.finetuned import Finetuned
    from jobs.trained import TrainedModel
    from vision.networks.registry import Network
    from vision.networks.weights import Origin

    Load = Callable[[TrainedModel, Path], ModelSlot]

# One label in metrics for all networks of a kind: there may be many, and they come and go.
LABEL, FINETUNED_LABEL = "trained", "finetuned"
SMALL = 50_000_000  # bytes of a file for which nobody needs to make room
COPIES = 3  # of its numbers that a network takes while it is loaded; 2.7 were measured with the last layers of VGG16
BATCH_SIZES = (1, 8, 32)  # a digit takes a hundredth of a photo's work, so that padding costs nothing


def finetuned_facts(model: TrainedModel) -> Finetuned | None:
    """Read the record of a fine-tuned model; None for any other.

    Raises:
        WeightsError: its record says what this version does not understand.
    """
    if model.kind != FINETUNE:
        return None
    try:
        return model.finetuned
    except ValueError as error:
        raise WeightsError(f"{model.id}: its record cannot be read: {error}") from error


def network_of(model: TrainedModel) -> Network:
    """Describe the network of a trained model. Raises as `finetuned_facts`."""
    facts = finetuned_facts(model)
    if facts is None and model.kind != MNIST_TRAIN:
        raise WeightsError(f"{model.id}: this version has no networks of the kind {model.kind[:80]!r}")
    if facts is None:
        return trained(model.id, "trained here")
    if facts.root not in NETWORKS:
        raise WeightsError(f"{model.id}: its root, {facts.root[:80]}, is no network of this version")
    return transfer_learning.finetuned(model.id, NETWORKS[facts.root], facts.classes)


def understood(model: TrainedModel) -> bool:
    """Return whether this version knows what a model is."""
    try:
        network_of(model)
    except WeightsError:
        return False
    return True


@dataclass(frozen=True, slots=True)
class Base:
    """The pretrained network that a fine-tuned model is a part of, ready to answer, and the model's own record."""

    slot: ModelSlot
    facts: Finetuned


def load_head(model: TrainedModel, path: Path, base: Base) -> ModelSlot:
    """Load the head of a fine-tuned model, and attach it to the backbone of its base. Raises as `load_digits`."""
    root, facts = base.slot.network, base.facts
    assert base.slot.backbone is not None  # noqa: S101 - it is ready, and stays so
    try:
        cut = transfer_learning.cut_named(root, facts.cut.layer)
    except ValueError as error:
        raise WeightsError(f"{model.id}: {error}") from error
    network = transfer_learning.finetuned(model.id, root, facts.classes)
    own = transfer_learning.head(base.slot.backbone.engine.model, cut, len(facts.classes), "float32")
    transfer_learning.load_head(own, path)
    slot = ModelSlot(network, capacity=0, precision="float32", linger=0, label=FINETUNED_LABEL)
    origin: Origin = "random" if facts.root_weights.origin == "random" else "trained"
    slot.share(base.slot, base.slot.backbone.attach(own, cut, network), _weights(model, path, origin))
    return slot


def load_digits(
    model: TrainedModel,
    path: Path,
    *,
    capacity: int,
    linger: float,
    on_batch: Callable[[str, int], None] | None = None,
) -> ModelSlot:
    """Load a network of digits from its file, verified before, and put a queue of `capacity` before it.

    Takes seconds, so not on the event loop.

    Raises:
        FileNotFoundError: the file is not there any more.
        WeightsError, NotFinite: it is of another network, or of one that has no answers.
    """
    # An evicted model is a reference cycle: 13 MB outside Python held by a thousand objects, far below the threshold at
    # which the garbage collector runs by itself. The objects frozen at the start are skipped, so this takes 3 ms.
    gc.collect()
    slot = ModelSlot(
        trained(model.id, "trained here"), capacity=capacity, precision="float32", linger=linger, label=LABEL
    )
    if on_batch:
        slot.tell_batches(on_batch)
    slot.load(_weights(model, path, "trained"), BATCH_SIZES)
    return slot


def _weights(model: TrainedModel, path: Path, origin: Origin) -> FoundWeights:
    return FoundWeights(path, origin, f"sha256:{model.sha256}", verified=True, size=model.bytes)


@dataclass(slots=True, eq=False)
class _Entry:
    """A network, whose file has so many bytes; `in_memory` from when that begins to be loaded."""

    size: int
    loading: asyncio.Task[ModelSlot] = field(init=False)
    in_memory: bool = False
    users: int = 0

    @property
    def idle(self) -> bool:
        """Whether it can go: nobody uses it, nor waits for it."""
        return self.users == 0 and self.loading.done()

    @property
    def slot(self) -> ModelSlot | None:
        """The network, once it is loaded."""
        loaded = self.loading.done() and not self.loading.cancelled() and self.loading.exception() is None
        return self.loading.result() if loaded else None


class _LeastRecentlyUsed(OrderedDict[str, _Entry]):
    """The policy of the cache: entries by model id in the order of their last use, and which of them go."""

    def __init__(self, most: int) -> None:
        super().__init__()
        self._most = most

    def oldest_idle(self) -> str | None:
        """Return the one that was used least lately of those that nobody uses."""
        return next((model_id for model_id, entry in self.items() if entry.idle), None)

    def surplus(self) -> list[str]:
        """Return those that go: as many as are above the bound, the least lately used first, and none in use."""
        too_many = sum(entry.in_memory for entry in self.values()) - self._most
        return [model_id for model_id, entry in self.items() if entry.idle][: max(0, too_many)]


class ModelCache:
    """At most `most` networks in memory, unless more are in use at once; `load` loads one of digits, and may block.

    Fewer where memory is short: `available` says how many bytes there are.
    """

    def __init__(
        self, files: ArtifactCache, load: Load, *, most: int, available: Callable[[], int | None] = machine.available
    ) -> None:
        self.files = files
        self.available = available
        self._load_digits = load
        self._entries = _LeastRecentlyUsed(most)
        self._one_at_a_time = asyncio.Semaphore(1)
        self._spare = 0  # bytes that TensorFlow was given back, and keeps for the next who wants them

    @asynccontextmanager
    async def use(self, model: TrainedModel, base: Base | None = None) -> AsyncIterator[ModelSlot]:
        """Have a network in memory for the time of a block: at once if it is there, after a second or two if not.

        A fine-tuned one is loaded as a head of its `base`.

        Raises:
            NotFound: it was removed meanwhile.
            ArtifactDamaged: its file is gone, or not the one that its job has recorded.
            ArtifactsUnavailable: the store does not answer.
            WeightsError, NotFinite: the file is of another network, or of one that has no answers.
            NotEnoughMemory: it is large, and there is no room for it though nobody keeps another.
        """
        entry = self._entries.get(model.id) or self._enter(model, base)
        self._entries.move_to_end(model.id)
        entry.users += 1
        try:
            # Who goes away while it is loaded does not take it from the others.
            yield await asyncio.shield(entry.loading)
        finally:
            entry.users -= 1
            self._drop_unwanted(model.id, entry)
            self._evict_surplus()

    def loaded(self, model_id: str) -> ModelSlot | None:
        """Return a network if it is in memory at this moment, ready to answer."""
        entry = self._entries.get(model_id)
        return entry.slot if entry else None

    @property
    def in_memory(self) -> list[ModelSlot]:
        """Those that are in memory, ready to answer."""
        return [slot for entry in self._entries.values() if (slot := entry.slot)]

    def close(self) -> None:
        """Fail what waits."""
        for entry in self._entries.values():
            entry.loading.cancel()
            self._end(entry)
        self._entries.clear()
        self.files.close()

    def _enter(self, model: TrainedModel, base: Base | None) -> _Entry:
        entry = self._entries[model.id] = _Entry(model.bytes)
        entry.loading = asyncio.create_task(self._load(model, base, entry))
        entry.loading.add_done_callback(lambda _: self._loaded(model.id, entry))
        return entry

    async def _load(self, model: TrainedModel, base: Base | None, entry: _Entry) -> ModelSlot:
        path = await self.files.get(model, MODEL)  # which may take long, and is no reason for others to wait
        async with self._one_at_a_time:
            entry.in_memory = True
            self._evict_surplus()  # before there is one more
            self._make_room(model)
            try:
                if base:
                    return await asyncio.to_thread(load_head, model, path, base)
                return await asyncio.to_thread(self._load_digits, model, path)
            except FileNotFoundError:
                raise vanished(model.id) from None

    def _make_room(self, model: TrainedModel) -> None:
        """End networks that nobody uses, the least lately used first, until a large one fits."""
        if model.bytes <= SMALL:
            return
        wanted = COPIES * model.bytes
        while (there := self.available()) is not None and there + min(self._spare, model.bytes) < wanted:
            idle = self._entries.oldest_idle()
            if idle is None:
                sizes = f"it needs {wanted / 1e9:.1f} GB while it is loaded, and {there / 1e9:.1f} GB are free"
                raise NotEnoughMemory(f"There is no room for {model.id}: {sizes}. Try again when less is going on.")
            self._end(self._entries.pop(idle))
        self._spare = max(0, self._spare - model.bytes)

    def _loaded(self, model_id: str, entry: _Entry) -> None:
        """Let the next who asks try again where it failed, and keep within bounds where nobody waits any more."""
        if not entry.slot:
            self._remove(model_id, entry)
        self._evict_surplus()

    def _drop_unwanted(self, model_id: str, entry: _Entry) -> None:
        """Give up a load that has not begun and that nobody waits for; one that has begun cannot be stopped."""
        if not entry.users and not entry.in_memory:
            self._remove(model_id, entry)
            entry.loading.cancel()

    def _remove(self, model_id: str, entry: _Entry) -> None:
        if self._entries.get(model_id) is entry:
            del self._entries[model_id]

    def _evict_surplus(self) -> None:
        for model_id in self._entries.surplus():
            self._end(self._entries.pop(model_id))

    def _end(self, entry: _Entry) -> None:
        slot = entry.slot
        if not slot:
            return
        slot.close(seconds=0)
        self._spare += entry.size if entry.size > SMALL else 0
        if isinstance(slot.batcher, HeadQueue):  # it may be half a gigabyte, in circles that nobody else breaks soon
            slot.batcher = None
            gc.collect()
