"""The interface of a library that runs a network, and the choice of the batch sizes that pay on a device."""

from __future__ import annotations

import logging
import time
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from vision.errors import VisionError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from vision.networks.registry import Network

    Scores = NDArray[np.float32] | Exception  # (classes,) of one picture, or why there are none

log = logging.getLogger(__name__)

SIZES = (1, 2, 4, 8, 16, 32)  # batch sizes that are tried
GAIN = 1.05  # of images a second; less than that is not worth the longer wait for a batch, or for its compilation
LONGEST = 1.0  # seconds that a batch may take: a request that comes while it runs waits for all of it
TURNS, ENOUGH = 3, 0.3  # a size is timed so many times, or for so many seconds if that is less


class NotFinite(VisionError):
    """A network's scores for one image are not finite: they overflowed, or its weights are damaged."""

    slug, title, category = "model-unusable", "This model cannot be used", "unavailable"
    retry_after = 30
    log_level = logging.ERROR


@dataclass(frozen=True, slots=True)
class Hardware:
    """Where a network computes (`cpu` or `gpu`), and in which number format."""

    device: str
    precision: str


class Engine(ABC):
    """One network with its weights in memory, run by one library.

    `name` is the library's, and `sizes` are the batch sizes that are computed, ascending. A subclass is made of a
    network, its weights, a precision and the batch sizes, if they are given: it loads the network, and ends with
    `warm_up`. That takes seconds: make it off the event loop.
    """

    name: ClassVar[str]

    def __init__(self, network: Network, hardware: Hardware) -> None:
        self.network, self.hardware = network, hardware
        self.sizes: tuple[int, ...] = ()

    @abstractmethod
    def compute(self, batch: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return the scores (n, classes) of pictures (n, height, width, channels); each row sums to 1.

        Raises:
            MemoryError: the device has too little memory for this many.
        """

    @abstractmethod
    def close(self) -> None:
        """Drop the network, so that its memory can be used again; nothing is computed afterwards."""

    @property
    def largest(self) -> int:
        """The largest batch size."""
        return self.sizes[-1]

    def run(self, pixels: Sequence[NDArray[np.uint8]]) -> list[Scores]:
        """Return the scores of at most `largest` pictures, each (height, width, channels) in 0 to 255.

        The batch is padded to the next of `sizes`. A picture whose scores are not finite gets that error, alone.

        Raises:
            MemoryError: the device has too little memory for this many.
        """
        size = next(size for size in self.sizes if size >= len(pixels))
        batch = np.zeros((size, *pixels[0].shape), np.uint8)  # what pads it is black
        np.stack(pixels, out=batch[: len(pixels)])
        scores = self.compute(batch)[: len(pixels)]
        if np.isfinite(scores).all():
            return list(scores)
        return check_finite(scores, self.network.title, self.hardware.precision)

    def warm_up(self, sizes: Sequence[int] | None) -> None:
        """Run trial pictures in batches of these sizes; without any, keep the sizes that pay on this device.

        Raises:
            NotFinite: the scores of the trial pictures are not finite.
            MemoryError: the device has too little memory for one of `sizes`, or for a single picture.
        """
        if sizes:
            self.sizes = tuple(sorted(sizes))
            for size in self.sizes:
                self.seconds(size)
        else:
            self.sizes = worthwhile(self._rates())

    def seconds(self, size: int) -> float:
        """Return the seconds that a batch of this size takes: the fastest time after the first.

        Raises:
            NotFinite: the scores are not finite.
        """
        times = []
        for turn in range(1 + TURNS):
            batch = np.stack(trial_pictures(self.network, size, turn))
            started = time.perf_counter()
            scores = self.compute(batch)
            times.append(time.perf_counter() - started)
            if not np.isfinite(scores).all():
                raise not_finite(self.network.title, self.hardware.precision)
            if sum(times[1:]) > ENOUGH:
                break
        return min(times[1:])

    def _rates(self) -> dict[int, float]:
        """Measure the images a second at each batch size, as far as time and memory allow."""
        rates: dict[int, float] = {}
        for size in SIZES:
            if too_long(size, rates):
                break
            try:
                rates[size] = size / self.seconds(size)
            except MemoryError:
                if not rates:
                    raise
                log.warning("a batch of %d does not fit into the device's memory", size)
                break
        return rates


def check_finite(rows: NDArray[np.float32], title: str, precision: str) -> list[Scores]:
    """Return each row of (pictures, classes) scores, or the error in place of one that is not finite."""
    return [row if np.isfinite(row).all() else not_finite(title, precision) for row in rows]


def not_finite(title: str, precision: str) -> NotFinite:
    """Return the error for scores that are not finite, with what to do."""
    advice = "its weights are damaged" if precision == "float32" else "set BESTGUESS_PRECISION=float32 and restart"
    return NotFinite(f"{title}'s scores are not finite in {precision}: {advice}.")


def trial_pictures(network: Network, count: int, turn: int = 0) -> list[NDArray[np.uint8]]:
    """Return black, white and noise in turn; `turn` says with which of them to begin."""
    shape = network.input_size, network.input_size, network.channels
    noise = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    kinds = [np.zeros_like(noise), np.full_like(noise, 255), noise]
    return [kinds[(turn + index) % len(kinds)] for index in range(count)]


def too_long(size: int, rates: Mapping[int, float]) -> bool:
    """Return whether a batch of this size would take longer than any may, by the images a second of smaller ones."""
    return bool(rates) and size / max(rates.values()) > LONGEST


def worthwhile(rates: Mapping[int, float]) -> tuple[int, ...]:
    """Return the sizes up to the smallest that is as good as the best, to within `GAIN`.

    Larger ones would make everybody wait longer, and take memory, for nothing. `rates` are images a second.
    """
    best = max(rates.values())
    largest = min(size for size, rate in rates.items() if rate * GAIN >= best)
    return tuple(sorted(size for size in rates if size <= largest))
