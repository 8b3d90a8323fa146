"""How often a network is right."""

from __future__ import annotations

from typing import TYPE_CHECKING

from worker.mnist import network
from worker.mnist.data import SIDE

if TYPE_CHECKING:
    from collections.abc import Callable

    import keras
    import numpy as np
    import tensorflow as tf
    from numpy.typing import NDArray

_BATCH = 1000  # a tenth of a second on two processor cores


def accuracy(
    model: keras.Model, images: NDArray[np.uint8], labels: NDArray[np.uint8], between: Callable[[int], None]
) -> float:
    """Return the part, 0 to 1, of images (n, 28, 28) whose label (n,) gets the largest logit.

    `between` hears before each thousand images how many are done, and may raise to end it.
    """
    import tensorflow as tf  # noqa: PLC0415 - seconds, and only whoever runs a network needs it

    def right(pixels: tf.Tensor, wanted: tf.Tensor) -> tf.Tensor:
        logits = model(network.prepared(pixels[..., None]), training=False)
        return tf.math.count_nonzero(tf.argmax(logits, axis=-1, output_type=tf.int32) == tf.cast(wanted, tf.int32))

    shapes = [tf.TensorSpec((None, SIDE, SIDE), tf.uint8), tf.TensorSpec((None,), tf.uint8)]
    counted = tf.function(right, input_signature=shapes, autograph=False)
    total = 0
    for start in range(0, len(images), _BATCH):
        between(start)
        total += int(counted(images[start : start + _BATCH], labels[start : start + _BATCH]))
    return total / len(images)
