"""One network's life in this process: waiting, downloading, loading, then ready, or failed with what to do."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, Protocol

from app.inference.batcher import Batcher
from app.inference.runner import Runner

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from app.inference.runner import Hardware
    from vision.networks import Network
    from vision.weights import FoundWeights

State = Literal["waiting", "downloading", "loading", "ready", "failed"]


class Answering(Protocol):
    """What `Runner` is to the rest: it answers batches of (height, width, RGB) pixels with (classes,) scores."""

    hardware: Hardware
    largest: int

    def __call__(self, pixels: Sequence[NDArray[np.uint8]], /) -> Sequence[NDArray[np.float32]]:
        """Answer at most `largest` pictures."""
        ...


@dataclass(frozen=True, slots=True)
class Report:
    """How far a network is, in words for people.

    `trouble` is what stands in its way, and `action` what they have to do about it; the bytes are of its download.
    """

    state: State
    detail: str
    trouble: str | None = None
    action: str | None = None
    downloaded_bytes: int | None = None
    total_bytes: int | None = None


class Served:
    """A network, its weights once they are found, and the queue before it once it is loaded."""

    def __init__(self, network: Network, *, capacity: int, precision: str) -> None:
        self.network = network
        self.report = Report("waiting", f"{network.title} is next to be loaded.")
        self.weights: FoundWeights | None = None
        self.hardware: Hardware | None = None
        self.batcher: Batcher[NDArray[np.uint8], NDArray[np.float32]] | None = None
        self._capacity = capacity
        self._precision = precision

    @property
    def ready(self) -> bool:
        """Whether it answers."""
        return self.batcher is not None

    def load(self, weights: FoundWeights) -> None:
        """Build the network, fill it and warm it up: seconds, so not on the event loop.

        Raises:
            Exception: whatever a file or a device can do to it.
        """
        title = self.network.title
        self.report = Report("loading", f"{title}'s weights are there; it is being loaded and warmed up.")
        runner = Runner(self.network, weights.path, self._precision, made_up=weights.path is None)
        self.serve(runner, weights)

    def serve(self, runner: Answering, weights: FoundWeights) -> None:
        """Put a queue before a network in memory, and say that it is ready."""
        self.weights, self.hardware = weights, runner.hardware
        self.batcher = Batcher(runner, largest=runner.largest, capacity=self._capacity, name=self.network.id)
        self.report = Report("ready", f"{self.network.title} is ready, with {described(weights)}.")

    def fail(self, detail: str, trouble: str, action: str) -> None:
        """Say that it is not to be had, why, and what to do."""
        self.report = Report("failed", detail, trouble, action)

    def fail_to_load(self, error: Exception) -> None:
        """Say that its weights are there, but of no use."""
        action = "The log has the whole error; restart when it is mended."
        self.fail(f"{self.network.title} could not be loaded.", str(error), action)

    def downloading(self, done: int, total: int) -> None:
        """Say how far the download is, in bytes."""
        percent, size = done * 100 // max(total, 1), f"{total / 1e6:.0f} MB"
        detail = f"{self.network.title}'s weights are being downloaded: {percent} % of {size}."
        self.report = Report("downloading", detail, downloaded_bytes=done, total_bytes=total)

    def held_up(self, trouble: str, action: str) -> None:
        """Say that the download does not get on, why, and what a person could do."""
        detail = f"{self.network.title}'s weights cannot be downloaded at the moment."
        self.report = replace(self.report, detail=detail, trouble=trouble, action=action)

    def close(self) -> None:
        """Fail what waits."""
        if self.batcher:
            self.batcher.close()


def described(weights: FoundWeights) -> str:
    """Say in words what weights these are; untrained ones are never called anything else."""
    return {
        "imagenet": "its official ImageNet weights",
        "random": "random weights: it has learned nothing, and its guesses mean nothing",
        "custom": "weights from a file of your own",
    }[weights.origin]
