"""One network's place in this process: waiting, downloading, loading, then ready, or failed with what to do."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, Protocol

from app.inference.batcher import Batcher
from app.inference.heads import Backbone, ForHead
from vision.engines.tensorflow import TensorFlowEngine

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from app.inference.batcher import Done
    from app.inference.heads import Head
    from vision.engines.base import Hardware, Scores
    from vision.networks.registry import Network
    from vision.networks.weights import FoundWeights

State = Literal["waiting", "downloading", "loading", "ready", "failed"]


class Runner(Protocol):
    """What a queue needs of a network: it runs batches of (height, width, channels) pixels to (classes,) scores."""

    @property
    def hardware(self) -> Hardware:
        """Where the network computes."""
        ...

    @property
    def largest(self) -> int:
        """The largest batch size."""
        ...

    def run(self, items: Sequence[Any], /) -> Sequence[Scores]:
        """Return the scores of at most `largest` pictures, or an error in place of one's scores."""
        ...

    def close(self) -> None:
        """Drop the network."""
        ...


Queue = Batcher["NDArray[np.uint8] | ForHead", "NDArray[np.float32]"]


@dataclass(frozen=True, slots=True)
class HeadQueue:
    """The queue of a backbone, as one of its heads sees it."""

    queue: Queue
    head: Head

    async def submit(self, pixels: NDArray[np.uint8]) -> Done[NDArray[np.float32]]:
        """Wait for a picture's scores, as `Batcher.submit` does, which raises the same."""
        return await self.queue.submit(ForHead(pixels, self.head))


@dataclass(frozen=True, slots=True)
class LoadStatus:
    """How far a network is, in words for people.

    `trouble` is what stands in its way, and `action` what they have to do about it; the bytes are of its download.
    """

    state: State
    detail: str
    trouble: str | None = None
    action: str | None = None
    downloaded_bytes: int | None = None
    total_bytes: int | None = None


class ModelSlot:
    """A network's place in this process: its weights once they are found, and its queue once it is loaded.

    `label` names it in metrics: networks that come and go share one.
    """

    def __init__(
        self, network: Network, *, capacity: int, precision: str, linger: float, label: str | None = None
    ) -> None:
        self.network = network
        self.label = label or network.id
        self.status = LoadStatus("waiting", f"{network.title} is next to be loaded.")
        self.weights: FoundWeights | None = None
        self.hardware: Hardware | None = None
        self.batcher: Queue | HeadQueue | None = None
        self.backbone: Backbone | None = None
        self._capacity = capacity
        self._precision = precision
        self._linger = linger
        self._observe: Callable[[int], None] | None = None

    @property
    def ready(self) -> bool:
        """Whether it answers."""
        return self.batcher is not None

    @property
    def pace(self) -> float:
        """The seconds that an image takes in its own queue, 0 before the first."""
        return (self.batcher.pace or 0.0) if isinstance(self.batcher, Batcher) else 0.0

    @property
    def broken(self) -> str | None:
        """Why it does not answer any more, though it was ready; only a new process can."""
        error = self.batcher.broken if isinstance(self.batcher, Batcher) else None
        return f"{self.network.title} has stopped answering ({error!r})" if error else None

    def tell_batches(self, on_batch: Callable[[str, int], None]) -> None:
        """Have `on_batch` called for each batch of its own queue, with its label and the batch's size."""
        self._observe = partial(on_batch, self.label)
        if isinstance(self.batcher, Batcher):
            self.batcher.observe = self._observe

    def load(self, weights: FoundWeights, sizes: Sequence[int] | None = None) -> None:
        """Build the network, fill it and warm it up for these batch sizes, or for those that pay on this device.

        That takes seconds, so not on the event loop.

        Raises:
            Exception: whatever a file or a device can do to it.
        """
        title, self.weights = self.network.title, weights
        self.status = LoadStatus("loading", f"{title}'s weights are there; it is being loaded and warmed up.")
        engine = TensorFlowEngine(self.network, weights.path, self._precision, sizes)
        self.backbone = Backbone(engine)
        self.serve(engine, weights)

    def serve(self, runner: Runner, weights: FoundWeights) -> None:
        """Put a queue before a network in memory; it is ready then."""
        self.weights, self.hardware = weights, runner.hardware
        self.batcher = Batcher(
            runner.run,
            largest=runner.largest,
            capacity=self._capacity,
            name=self.network.id,
            linger=self._linger,
            observe=self._observe,
        )
        self.status = LoadStatus("ready", f"{self.network.title} is ready, with {described(weights)}.")

    def share(self, base: ModelSlot, head: Head, weights: FoundWeights) -> None:
        """Use the queue of a base that is ready, with a head of its backbone."""
        assert isinstance(base.batcher, Batcher)  # noqa: S101 - a base has a queue of its own
        assert base.backbone is not None  # noqa: S101 - and the head is one of its backbone's
        base.batcher.run = base.backbone.run  # so far the engine was enough
        self.weights, self.hardware, self.batcher = weights, base.hardware, HeadQueue(base.batcher, head)
        self.status = LoadStatus("ready", f"{self.network.title} is ready: {base.network.title}, fine-tuned here.")

    def fail(self, detail: str, trouble: str, action: str) -> None:
        """Note that it cannot be had, why, and what to do."""
        self.status = LoadStatus("failed", detail, trouble, action)

    def fail_to_load(self, error: Exception) -> None:
        """Note that its weights are there, but of no use."""
        action = "The log has the whole error; restart when it is mended."
        self.fail(f"{self.network.title} could not be loaded.", str(error), action)

    def downloading(self, done: int, total: int) -> None:
        """Note how far the download is, in bytes."""
        percent, size = done * 100 // max(total, 1), f"{total / 1e6:.0f} MB"
        detail = f"{self.network.title}'s weights are being downloaded: {percent} % of {size}."
        self.status = LoadStatus("downloading", detail, downloaded_bytes=done, total_bytes=total)

    def held_up(self, trouble: str, action: str) -> None:
        """Note that the download does not get on, why, and what a person could do."""
        detail = f"{self.network.title}'s weights cannot be downloaded at the moment."
        self.status = replace(self.status, detail=detail, trouble=trouble, action=action)

    def close(self, seconds: float = 5) -> None:
        """Fail what waits, wait at most `seconds` for the batch that runs, and drop the network."""
        if isinstance(self.batcher, Batcher):
            self.batcher.close(seconds)
        if self.backbone:
            self.backbone.close()


def described(weights: FoundWeights) -> str:
    """Describe weights in words; untrained ones are never called anything else."""
    return {
        "imagenet": "its official ImageNet weights",
        "random": "random weights: it has learned nothing, and its guesses mean nothing",
        "trained": "what it has learned here",
        "custom": "weights from a file of your own",
    }[weights.origin]
