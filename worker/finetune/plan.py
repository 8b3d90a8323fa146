"""How a training goes through its photographs: steps of an epoch, and what a step may take of the memory."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, prod
from typing import TYPE_CHECKING

import numpy as np

from worker.chance import order
from worker.finetune.division import DatasetUnfit

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from vision.networks.registry import Network
    from worker.finetune.feeds import Feed
    from worker.finetune.network import Parts

GROUP_BYTES = 128 * 1024 * 1024  # that one call is fed with, at most
SLICE_BYTES = 512 * 1024 * 1024  # that the features of a slice may take: a few photographs through a whole VGG
WHOLE_BYTES = 4 * 1024**3  # and those of a batch that cannot be sliced
LONGEST_SLICE = 8  # photographs that go through frozen layers before somebody looks whether to stop
_COPIES = 3  # of each feature: itself, its gradient, and what a convolution needs to make one of the other
_NORMALISED_COPIES = 5  # a batch-norm and a ReLU keep theirs apart


@dataclass(frozen=True, slots=True)
class Plan:
    """`images` that are learned from in an order of each epoch's own, the last batch being what is left."""

    images: int
    batch_size: int
    epochs: int
    seed: int

    @property
    def epoch_steps(self) -> int:
        """Steps in an epoch."""
        return ceil(self.images / self.batch_size)

    @property
    def steps(self) -> int:
        """Steps in all."""
        return self.epochs * self.epoch_steps

    def group(self, step: int, most: int) -> NDArray[np.int32]:
        """Return places among the images for at most so many steps from `step` on, all of one size: (steps, batch).

        They end with the epoch, and its last batch is alone where it is smaller.
        """
        epoch, first = divmod(step, self.epoch_steps)
        full = self.images // self.batch_size
        end = min(first + most, full) if first < full else first + 1
        places = order(self.images, self.seed, epoch)[first * self.batch_size : end * self.batch_size]
        return places.reshape(end - first, -1)


def largest_group(feed: Feed, plan: Plan) -> int:
    """Return how many steps one call may be fed with."""
    row = prod(feed.shape) * np.dtype(feed.dtype).itemsize
    return max(1, GROUP_BYTES // (row * plan.batch_size))


def slice_size(root: Network, parts: Parts, batch_size: int, *, ready: bool) -> int | None:
    """Return how many photographs of a batch go through the network at once; None: all of it.

    `ready` is whether they go around the frozen layers. A batch-norm that learns wants its whole batch.

    Raises:
        DatasetUnfit: the batch cannot be sliced, and is too large for the memory.
    """
    numbers = 4 * sum(prod(layer.output) for layer in root.layers[parts.cut.frozen :])
    if parts.normalises:
        most = max(1, WHOLE_BYTES // (numbers * _NORMALISED_COPIES))
        if batch_size > most:
            words = f"A batch of {batch_size} takes too much memory, as batch-norms learn from the whole of it."
            raise DatasetUnfit(f"{words} Choose a batch_size of {most} or less, or freeze more.")
        return None
    size = max(1, SLICE_BYTES // (numbers * _COPIES))
    size = size if ready else min(size, LONGEST_SLICE)
    return size if size < batch_size else None
