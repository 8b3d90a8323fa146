"""Many training steps as one call of one graph: Python is asked once a group, not once a step."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from vision.digits import network
from worker import optimizer
from worker.errors import LARGEST_LOSS

if TYPE_CHECKING:
    from collections.abc import Sequence

    import tensorflow as tf
    from numpy.typing import NDArray

    from bestguess.schemas.job_params import MnistParams
    from worker.mnist.data import Digits


class Stepper:
    """The network, its optimizer and the training images, in memory."""

    def __init__(self, params: MnistParams, digits: Digits, seed: int, precision: str) -> None:
        import tensorflow as tf  # noqa: PLC0415 - seconds, and only whoever trains needs it

        self.model = network.build(params.dropout, precision, seed)
        self._weights = [variable.value for variable in self.model.trainable_variables]
        self._optimizer = optimizer.choose(params.optimizer, self._weights)
        # Variables, not constants: a graph copies its constants. In main memory, as TensorFlow lacks some kernels for
        # whole numbers on a GPU; a batch is small.
        with tf.device("CPU:0"):
            self._images = tf.Variable(digits.x_train[..., None], trainable=False)
            self._labels = tf.Variable(digits.y_train.astype(np.int32), trainable=False)
        self._run = tf.function(
            self._group,
            input_signature=[
                tf.TensorSpec((None, params.batch_size), tf.int32),
                tf.TensorSpec((None,), tf.float32),
                tf.TensorSpec((), tf.int32),
            ],
            autograph=False,
        )

    def __call__(
        self, places: NDArray[np.int32], rates: NDArray[np.float32], first: int
    ) -> tuple[NDArray[np.float32], NDArray[np.int32]]:
        """Take a step for each row of `places` (steps, batch size) at its rate (steps,); `first` is counted from 0.

        Returns each step's mean loss and how many of its images were right, both under dropout as it was trained. It
        ends at a loss that is not below `LARGEST_LOSS`: that one is then the last.
        """
        done, losses, right = self._run(places, rates, first)
        return losses.numpy()[: int(done)], right.numpy()[: int(done)]

    @property
    def state(self) -> list[NDArray[Any]]:
        """Everything that changes from step to step: weights, dropout's random state, the optimizer's memory."""
        return [variable.numpy() for variable in self._variables]

    @state.setter
    def state(self, arrays: Sequence[NDArray[Any]]) -> None:
        for variable, array in zip(self._variables, arrays, strict=True):
            variable.assign(array)

    @property
    def _variables(self) -> list[tf.Variable]:
        return [*(variable.value for variable in self.model.variables), *self._optimizer.state]

    def _group(self, places: tf.Tensor, rates: tf.Tensor, first: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        """Build the graph of a group: a loop over its steps, which ends early where the loss says so."""
        import tensorflow as tf  # noqa: PLC0415 - as above

        count = tf.shape(rates)[0]

        def goes_on(index: tf.Tensor, loss: tf.Tensor, *_: tf.Tensor) -> tf.Tensor:
            return (index < count) & (loss < LARGEST_LOSS)  # no number is less than anything

        def body(
            index: tf.Tensor, _: tf.Tensor, losses: tf.TensorArray, right: tf.TensorArray
        ) -> tuple[tf.Tensor, ...]:
            loss, hits = self._step(places[index], rates[index], tf.cast(first + index + 1, tf.float32))
            return index + 1, loss, losses.write(index, loss), right.write(index, hits)

        empty = [tf.TensorArray(dtype, count, element_shape=()) for dtype in (tf.float32, tf.int32)]
        done, _, losses, right = tf.while_loop(goes_on, body, (0, 0.0, *empty), parallel_iterations=1)
        return done, losses.stack(), right.stack()

    def _step(self, places: tf.Tensor, rate: tf.Tensor, number: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        import tensorflow as tf  # noqa: PLC0415 - as above

        labels = tf.gather(self._labels, places)
        with tf.GradientTape() as tape:
            logits = self.model(network.prepared(tf.gather(self._images, places)), training=True)
            losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits)
            loss = tf.reduce_mean(losses)
        self._optimizer.apply(tape.gradient(loss, self._weights), rate, number)
        hits = tf.argmax(logits, axis=-1, output_type=tf.int32) == labels
        return loss, tf.reduce_sum(tf.cast(hits, tf.int32))
