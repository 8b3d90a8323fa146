"""What a head says to many photographs, and how good that is."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    import keras
    import tensorflow as tf
    from numpy.typing import NDArray

    from worker.finetune.feeds import Feed

LARGEST, BYTES = 64, 64 * 1024 * 1024  # photographs that are fed at once, at most, and what they take
PIXELS = 8  # photographs at once where they go through the frozen layers: somebody may want it to stop


class Evaluator:
    """Asks a head about what a feed has; it is built once, and asked in every epoch."""

    def __init__(self, head: keras.Model, feed: Feed) -> None:
        import tensorflow as tf  # noqa: PLC0415 - seconds, and only whoever trains needs it

        def answer(batch: tf.Tensor) -> tf.Tensor:
            return head(feed.features(batch), training=False)

        spec = tf.TensorSpec((None, *feed.shape), feed.dtype)
        self._answer = tf.function(answer, input_signature=[spec], autograph=False)
        self._feed, self._classes = feed, head.output.shape[1]
        self._size = PIXELS if feed.dtype == "uint8" else max(1, min(LARGEST, BYTES // (4 * prod(feed.shape))))

    def logits(self, places: NDArray[np.int32], look: Callable[[], None]) -> NDArray[np.float32]:
        """Return the logits (places, classes) of photographs; `look` is called before each batch, and may raise."""
        found = np.empty((len(places), self._classes), np.float32)
        for start in range(0, len(places), self._size):
            look()
            part = slice(start, start + self._size)
            found[part] = self._answer(self._feed.take(places[part], 0)).numpy()
        return found


def part_right(logits: NDArray[np.float32], labels: NDArray[np.int32]) -> float:
    """Return the part, 0 to 1, of logits (n, k) whose largest is that of the label (n,)."""
    return int(np.count_nonzero(logits.argmax(axis=1) == labels)) / len(labels)


def cross_entropy(logits: NDArray[np.float32], labels: NDArray[np.int32]) -> float:
    """Return the mean cross-entropy of logits (n, k) with labels (n,)."""
    wide = logits.astype(np.float64)
    wide -= wide.max(axis=1, keepdims=True)
    chosen = np.take_along_axis(wide, labels[:, None].astype(np.intp), axis=1)[:, 0]
    return float((np.log(np.exp(wide).sum(axis=1)) - chosen).mean())
