"""What a fine-tuned model has of its own in memory: from where it parts from its base to scores."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from app.inference.hardware import import_tensorflow
from vision.transfer_learning import PIXELS

if TYPE_CHECKING:
    import keras
    import numpy as np
    from numpy.typing import NDArray

    from vision.networks import Network
    from vision.transfer_learning import Cut


@dataclass(frozen=True, slots=True, eq=False)
class ForTail:
    """One picture's pixels (height, width, channels), and the tail whose scores are wanted."""

    pixels: NDArray[np.uint8]
    tail: Tail


class Tail:
    """A Keras model from a cut to logits, traced once for batches of any size; it computes in float32, as in training.

    `network` is the fine-tuned one: its title is told in errors, and its base's preprocessing is its own. `dtype` is
    that of the features at the cut. A tail from the pixels on takes them as they are.
    """

    def __init__(self, model: keras.Model, cut: Cut, network: Network, dtype: str) -> None:
        self.model, self.cut, self.title = model, cut, network.title
        tf = import_tensorflow()

        def scores(features: Any) -> Any:  # noqa: ANN401 - TensorFlow has no types
            ready = tf.cast(features, tf.float32)
            if cut.layer == PIXELS:
                ready = network.preprocess(ready)
            return tf.nn.softmax(tf.cast(model(ready, training=False), tf.float32))

        spec = tf.TensorSpec((None, *cut.shape), tf.uint8 if cut.layer == PIXELS else dtype)
        self.function: Any = tf.function(scores, autograph=False).get_concrete_function(spec)
