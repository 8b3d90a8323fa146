"""What a fine-tuned model has of its own in memory: from where it parts from its base to scores."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from app.inference.hardware import import_tensorflow
from vision.networks.table import PIXELS

if TYPE_CHECKING:
    from collections.abc import Sequence

    import keras
    import tensorflow as tf
    from numpy.typing import NDArray

    from vision.networks.registry import Network
    from vision.networks.table import Cut

    Scores = NDArray[np.float32] | Exception


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


# A base in memory, run once for a batch of many models' pictures up to where each of them parts from it.
log = logging.getLogger(__name__)


@dataclass(slots=True, eq=False)
class _Segment:
    """The part of a base up to a cut from the one before; `end` is None where it goes on to the base's own scores.

    `function` was traced once, for batches of any size: a base may have many places, and each trace takes a second.
    """

    end: Cut | None
    function: Any


class Trunk:
    """A base's layers in segments, one for each place where some tail parts from it; the layers are the base's own.

    `reach` may be called in another thread than that which asks: the chain of segments is replaced as a whole.
    """

    def __init__(self, network: Network, model: keras.Model, sizes: Sequence[int]) -> None:
        self._network, self._model, self._sizes = network, model, tuple(sizes)
        self._made: dict[tuple[Cut | None, Cut | None], _Segment] = {}
        self._cuts: tuple[Cut, ...] = ()
        self._chain: tuple[_Segment, ...] = ()

    def reach(self, cut: Cut) -> bool:
        """Let tails part at a place: trace what is to be run before and behind it; say whether that was new."""
        if cut in self._cuts:
            return False
        cuts = tuple(sorted((*self._cuts, cut), key=lambda one: one.frozen))
        ends = (None, *(one for one in cuts if one.layer != PIXELS), None)
        self._chain = tuple(self._segment(*pair) for pair in pairwise(ends))
        self._cuts = cuts
        return True

    def dtype_at(self, cut: Cut) -> str:
        """Name the number format of the features at a place."""
        return str(self._model.get_layer(cut.layer).output.dtype) if cut.layer != PIXELS else "uint8"

    def __call__(self, pixels: Sequence[NDArray[np.uint8]], tails: Sequence[Tail | None]) -> list[Scores]:
        """Give each picture the scores of its tail, or of the base itself where that is None.

        Raises:
            ResourceExhaustedError: the device has too little memory for this many.
        """
        answers: list[Scores] = [np.empty(0, np.float32)] * len(pixels)
        rows = list(range(len(pixels)))
        features: tf.Tensor = np.zeros((self._size(len(pixels)), *pixels[0].shape), np.uint8)
        np.stack(pixels, out=features[: len(pixels)])
        features, rows = self._part(features, rows, tails, PIXELS, answers)
        for segment in self._chain if rows else ():
            features = segment.function(features)
            if segment.end:
                features, rows = self._part(features, rows, tails, segment.end.layer, answers)
            else:
                for row, scores in zip(rows, features.numpy(), strict=False):  # what pads the batch comes last
                    answers[row] = scores
            if not rows:
                break
        return answers

    def _part(
        self, features: tf.Tensor, rows: list[int], tails: Sequence[Tail | None], layer: str, answers: list[Scores]
    ) -> tuple[tf.Tensor, list[int]]:
        """Answer those whose tails begin at a place; return the features of the others, and which they are."""
        leaving: dict[Tail, list[int]] = {}
        for place, row in enumerate(rows):
            if (tail := tails[row]) and tail.cut.layer == layer:
                leaving.setdefault(tail, []).append(place)
        for tail, places in leaving.items():
            for place, scores in zip(places, self._ask(tail, features, places), strict=True):
                answers[rows[place]] = scores
        gone = {place for places in leaving.values() for place in places}
        staying = [place for place in range(len(rows)) if place not in gone]
        return (self._take(features, staying) if staying else features), [rows[place] for place in staying]

    def _ask(self, tail: Tail, features: tf.Tensor, places: list[int]) -> list[Scores]:
        """Ask one tail; what breaks it is the error of its own pictures, and of no other's."""
        try:
            its = self._take(features, places)
            return list(tail.function(its).numpy()[: len(places)])
        except import_tensorflow().errors.ResourceExhaustedError:
            raise
        except Exception as error:  # whatever it is, those who wait have to hear of it
            log.exception("%s cannot answer", tail.title)
            return [error] * len(places)

    def _take(self, features: tf.Tensor, places: list[int]) -> tf.Tensor:
        """Gather these rows of a batch, padded to a size that the device has computed before."""
        size = self._size(len(places))
        if size == len(features) and places == list(range(len(places))):
            return import_tensorflow().convert_to_tensor(features)
        return import_tensorflow().gather(features, places + places[:1] * (size - len(places)))

    def _size(self, count: int) -> int:
        return next(size for size in self._sizes if size >= count)

    def _segment(self, start: Cut | None, end: Cut | None) -> _Segment:
        ends = start, end
        if ends not in self._made:
            self._made[ends] = _Segment(end, self._trace(start, end))
        return self._made[ends]

    def _trace(self, start: Cut | None, end: Cut | None) -> Any:  # noqa: ANN401 - a TensorFlow function
        tf, network = import_tensorflow(), self._network
        part = between(self._model, start, end)

        def onward(features: Any) -> Any:  # noqa: ANN401 - likewise
            if start is None:
                features = tf.cast(network.preprocess(tf.cast(features, tf.float32)), part.input.dtype)
            reached = part(features, training=False)
            return reached if end else tf.nn.softmax(tf.cast(reached, tf.float32))

        shape = start.shape if start else (network.input_size, network.input_size, network.channels)
        spec = tf.TensorSpec((None, *shape), self.dtype_at(start) if start else tf.uint8)
        return tf.function(onward, autograph=False).get_concrete_function(spec)


def between(model: keras.Model, start: Cut | None, end: Cut | None) -> keras.Model:
    """Take the part of a network between two places, or its ends; its layers stay the network's own."""
    import keras  # noqa: PLC0415 - seconds, and only whoever runs a network needs it

    first, last = (model.get_layer(cut.layer).output if cut else None for cut in (start, end))
    return keras.Model(model.input if first is None else first, model.output if last is None else last)
