"""Steps of a head: many as one call of one graph where they are short, or one in slices where it is long or large."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from worker import optimizer
from worker.errors import LARGEST_LOSS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Literal

    import keras
    import tensorflow as tf
    from numpy.typing import NDArray

    from worker.finetune.feeds import Feed

MOMENTUM = 0.9  # of gradient descent, the tutorial's


class Stepper:
    """A head, its optimizer, and how it is fed; `counts` (classes,) is how much a photograph of each class counts."""

    def __init__(
        self, head: keras.Model, feed: Feed, name: Literal["sgd", "adam"], rate: float, counts: NDArray[np.float32]
    ) -> None:
        import tensorflow as tf  # noqa: PLC0415 - seconds, and only whoever trains needs it

        self._tf, self._head, self._feed, self._rate = tf, head, feed, rate
        self._counts = tf.constant(counts)
        self._learning = [variable.value for variable in head.trainable_variables]
        self._optimizer = optimizer.choose(name, self._learning, MOMENTUM)
        self._sums: list[tf.Variable] = []
        one, several = (
            tf.TensorSpec((None, *feed.shape), feed.dtype),
            tf.TensorSpec((None, None, *feed.shape), feed.dtype),
        )
        number, labels = tf.TensorSpec((), tf.int32), tf.TensorSpec((None,), tf.int32)
        self._run = tf.function(
            self._group, input_signature=[several, tf.TensorSpec((None, None), tf.int32), number], autograph=False
        )
        self._add = tf.function(
            self._slice, input_signature=[one, labels, tf.TensorSpec((), tf.float32)], autograph=False
        )
        self._finish = tf.function(self._apply_sums, input_signature=[number], autograph=False)

    @property
    def variables(self) -> list[tf.Variable]:
        """Everything that changes from step to step: the weights that learn, and the optimizer's memory."""
        return [*self.weights, *self._optimizer.state]

    @property
    def weights(self) -> list[tf.Variable]:
        """What the head learns, the statistics of its batch-norms among it."""
        layers = (layer for layer in self._head.layers if layer.trainable)
        return [variable.value for layer in layers for variable in layer.variables]

    def group(
        self, batches: NDArray[Any], labels: NDArray[np.int32], first: int
    ) -> tuple[NDArray[np.float32], NDArray[np.int32]]:
        """Take a step for each of `batches` (steps, batch, ...) with labels (steps, batch); `first` is counted from 0.

        Returns each step's mean loss, and how many of its photographs were right. It ends at a loss that is not below
        `LARGEST_LOSS`: that one is then the last.
        """
        done, losses, right = self._run(batches, labels, first)
        return losses.numpy()[: int(done)], right.numpy()[: int(done)]

    def in_slices(
        self, batch: NDArray[Any], labels: NDArray[np.int32], first: int, size: int, look: Callable[[], None]
    ) -> tuple[NDArray[np.float32], NDArray[np.int32]]:
        """Take one step, `size` photographs at a time, whose gradients are added up: the same but for rounding.

        `look` is called between them, and may raise: the step then has not been. Returns as `group`.
        """
        if not self._sums:
            self._sums = [self._tf.Variable(self._tf.zeros_like(variable)) for variable in self._learning]
        for total in self._sums:
            total.assign(self._tf.zeros_like(total))
        loss, right = 0.0, 0
        for start in range(0, len(batch), size):
            look()
            part = slice(start, start + size)
            added, hits = self._add(batch[part], labels[part], float(len(batch)))
            loss, right = loss + float(added), right + int(hits)
        if loss < LARGEST_LOSS:
            self._finish(first)
        return np.asarray([loss], np.float32), np.asarray([right], np.int32)

    def _group(self, batches: tf.Tensor, labels: tf.Tensor, first: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        """Build the graph of a group: a loop over its steps, which ends early where the loss says so."""
        import tensorflow as tf  # noqa: PLC0415 - as above

        count = tf.shape(labels)[0]

        def goes_on(index: tf.Tensor, loss: tf.Tensor, *_: tf.Tensor) -> tf.Tensor:
            return (index < count) & (loss < LARGEST_LOSS)  # no number is less than anything

        def body(
            index: tf.Tensor, _: tf.Tensor, losses: tf.TensorArray, right: tf.TensorArray
        ) -> tuple[tf.Tensor, ...]:
            total = tf.cast(tf.shape(labels)[1], tf.float32)
            loss, hits, gradients = self._gradients(batches[index], labels[index], total)
            self._apply(gradients, first + index)
            return index + 1, loss, losses.write(index, loss), right.write(index, hits)

        empty = [tf.TensorArray(dtype, count, element_shape=()) for dtype in (tf.float32, tf.int32)]
        done, _, losses, right = tf.while_loop(goes_on, body, (0, 0.0, *empty), parallel_iterations=1)
        return done, losses.stack(), right.stack()

    def _slice(self, batch: tf.Tensor, labels: tf.Tensor, total: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        loss, hits, gradients = self._gradients(batch, labels, total)
        for added, gradient in zip(self._sums, gradients, strict=True):
            added.assign_add(gradient)
        return loss, hits

    def _apply_sums(self, first: tf.Tensor) -> None:
        self._apply(self._sums, first)

    def _apply(self, gradients: Sequence[tf.Tensor], first: tf.Tensor) -> None:
        number = self._tf.cast(first + 1, self._tf.float32)
        self._optimizer.apply(gradients, self._tf.constant(self._rate, self._tf.float32), number)

    def _gradients(
        self, batch: tf.Tensor, labels: tf.Tensor, total: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor, Sequence[tf.Tensor]]:
        """Compute a batch's part of a mean loss over `total` photographs, how many are right, and the gradients."""
        import tensorflow as tf  # noqa: PLC0415 - as above

        features = self._feed.features(batch)
        with tf.GradientTape() as tape:
            logits = self._head(features, training=True)
            losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits)
            loss = tf.reduce_sum(losses * tf.gather(self._counts, labels)) / total
        hits = tf.argmax(logits, axis=-1, output_type=tf.int32) == labels
        return loss, tf.reduce_sum(tf.cast(hits, tf.int32)), tape.gradient(loss, self._learning)
