"""What a network says to many images, and how often that is right."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from vision.digits import network
from vision.digits.network import CLASSES, SIDE

if TYPE_CHECKING:
    from collections.abc import Callable

    import keras
    import tensorflow as tf
    from numpy.typing import NDArray

_BATCH = 1000  # a tenth of a second on two processor cores


def logits(model: keras.Model, images: NDArray[np.uint8], between: Callable[[int], None]) -> NDArray[np.float32]:
    """Return what a network says to images (n, 28, 28), without dropout: logits (n, 10).

    `between` hears before each thousand images how many are done, and may raise to end it.
    """
    import tensorflow as tf  # noqa: PLC0415 - seconds, and only whoever runs a network needs it

    def answer(pixels: tf.Tensor) -> tf.Tensor:
        return model(network.prepared(pixels[..., None]), training=False)

    answers = tf.function(answer, input_signature=[tf.TensorSpec((None, SIDE, SIDE), tf.uint8)], autograph=False)
    found = np.empty((len(images), CLASSES), np.float32)
    for start in range(0, len(images), _BATCH):
        between(start)
        found[start : start + _BATCH] = answers(images[start : start + _BATCH]).numpy()
    return found


def part_right(said: NDArray[np.float32], labels: NDArray[np.uint8]) -> float:
    """Return the part, 0 to 1, of logits (n, 10) whose largest is that of the label (n,)."""
    return int(np.count_nonzero(said.argmax(axis=1) == labels)) / len(labels)


def accuracy(
    model: keras.Model, images: NDArray[np.uint8], labels: NDArray[np.uint8], between: Callable[[int], None]
) -> float:
    """Return the part, 0 to 1, of images (n, 28, 28) whose label (n,) gets the largest logit; `between` as above."""
    return part_right(logits(model, images, between), labels)
