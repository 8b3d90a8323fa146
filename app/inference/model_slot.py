"""One network's life in this process: waiting, downloading, loading, then ready, or failed with what to do."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, Protocol

from app.inference.batcher import Batcher
from app.inference.heads import ForHead
from app.inference.runner import TensorFlowEngine

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from app.inference.batcher import Done
    from app.inference.heads import Head
    from vision.engines.tensorflow import Hardware
    from vision.networks.registry import Network
    from vision.networks.weights import FoundWeights

State = Literal["waiting", "downloading", "loading", "ready", "failed"]


class Runner(Protocol):
    """What `Runner` is to the rest: it answers batches of (height, width, RGB) pixels with (classes,) scores."""

    hardware: Hardware

    @property
    def largest(self) -> int:
        """The largest batch that it takes."""
        ...

    def __call__(self, items: Sequence[NDArray[np.uint8] | ForHead], /) -> Sequence[NDArray[np.float32] | Exception]:
        """Answer at most `largest` pictures, each with scores or with its own error."""
        ...


Queue = Batcher["NDArray[np.uint8] | ForHead", "NDArray[np.float32]"]


@dataclass(frozen=True, slots=True)
class HeadQueue:
    """The queue of a base, as one of those sees it that have their own last layers behind it."""

    queue: Queue
    tail: Head

    async def submit(self, pixels: NDArray[np.uint8]) -> Done[NDArray[np.float32]]:
        """Wait for a picture's scores, as `Batcher.submit` does, which raises the same."""
        return await self.queue.submit(ForHead(pixels, self.tail))


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
    """A network, its weights once they are found, and the queue before it once it is loaded.

    `label` names it, or what is like it, where names have to be few. `on_batch` hears it, and the size of each batch.
    """

    def __init__(
        self, network: Network, *, capacity: int, precision: str, linger: float, label: str | None = None
    ) -> None:
        self.network = network
        self.label = label or network.id
        self.on_batch: Callable[[str, int], None] | None = None
        self.status = LoadStatus("waiting", f"{network.title} is next to be loaded.")
        self.weights: FoundWeights | None = None
        self.hardware: Hardware | None = None
        self.batcher: Queue | HeadQueue | None = None
        self.runner: TensorFlowEngine | None = None
        self._capacity = capacity
        self._precision = precision
        self._linger = linger

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
        """Say why it does not answer any more, though it was ready; only a new process can."""
        error = self.batcher.broken if isinstance(self.batcher, Batcher) else None
        return f"{self.network.title} has stopped answering ({error!r})" if error else None

    def load(self, weights: FoundWeights, sizes: Sequence[int] | None = None) -> None:
        """Build the network, fill it and warm it up for these batch sizes, or for those that pay.

        That takes seconds, so not on the event loop.

        Raises:
            Exception: whatever a file or a device can do to it.
        """
        title = self.network.title
        self.status = LoadStatus("loading", f"{title}'s weights are there; it is being loaded and warmed up.")
        self.runner = TensorFlowEngine(
            self.network, weights.path, self._precision, made_up=weights.path is None, sizes=sizes
        )
        self.serve(self.runner, weights)

    def serve(self, runner: Runner, weights: FoundWeights) -> None:
        """Put a queue before a network in memory, and say that it is ready."""
        self.weights, self.hardware = weights, runner.hardware
        self.batcher = Batcher(
            runner,
            largest=runner.largest,
            capacity=self._capacity,
            name=self.network.id,
            linger=self._linger,
            observe=self._observe,
        )
        self.status = LoadStatus("ready", f"{self.network.title} is ready, with {described(weights)}.")

    def share(self, base: ModelSlot, tail: Head, weights: FoundWeights) -> None:
        """Stand in the queue of a base that is ready, with a tail of its own, and say so."""
        assert isinstance(base.batcher, Batcher)  # noqa: S101 - a base has a queue of its own
        self.weights, self.hardware, self.batcher = weights, base.hardware, HeadQueue(base.batcher, tail)
        self.status = LoadStatus("ready", f"{self.network.title} is ready: {base.network.title}, fine-tuned here.")

    def _observe(self, size: int) -> None:
        if self.on_batch:
            self.on_batch(self.label, size)

    def fail(self, detail: str, trouble: str, action: str) -> None:
        """Say that it is not to be had, why, and what to do."""
        self.status = LoadStatus("failed", detail, trouble, action)

    def fail_to_load(self, error: Exception) -> None:
        """Say that its weights are there, but of no use."""
        action = "The log has the whole error; restart when it is mended."
        self.fail(f"{self.network.title} could not be loaded.", str(error), action)

    def downloading(self, done: int, total: int) -> None:
        """Say how far the download is, in bytes."""
        percent, size = done * 100 // max(total, 1), f"{total / 1e6:.0f} MB"
        detail = f"{self.network.title}'s weights are being downloaded: {percent} % of {size}."
        self.status = LoadStatus("downloading", detail, downloaded_bytes=done, total_bytes=total)

    def held_up(self, trouble: str, action: str) -> None:
        """Say that the download does not get on, why, and what a person could do."""
        detail = f"{self.network.title}'s weights cannot be downloaded at the moment."
        self.status = replace(self.status, detail=detail, trouble=trouble, action=action)

    def close(self, seconds: float = 5) -> None:
        """Fail what waits, and wait at most `seconds` for the batch that runs."""
        if isinstance(self.batcher, Batcher):
            self.batcher.close(seconds)


def described(weights: FoundWeights) -> str:
    """Say in words what weights these are; untrained ones are never called anything else."""
    return {
        "imagenet": "its official ImageNet weights",
        "random": "random weights: it has learned nothing, and its guesses mean nothing",
        "trained": "what it has learned here",
        "custom": "weights from a file of your own",
    }[weights.origin]
