"""Heads of fine-tuned models behind one backbone: a batch for many models runs what they share once.

A fine-tuned model is a pretrained network up to a cut, and a head of its own from there to its scores. The network is
in memory once, as the backbone, and has one queue for itself and for all heads. A batch runs through the backbone
segment by segment; at each cut the pictures whose heads begin there leave it:

              pixels      block1_pool     block4_pool      scores
    picture 1   |--------------|---------------|-------------|   the network's own scores
    picture 2   |--------------|---------------H===========> |   a head behind block4_pool
    picture 3   |--------------H===========================> |   a head behind block1_pool
    picture 4   H==========================================> |   a head from the pixels on, which shares the queue only
                    segment        segment         segment

The last segment is not run where every picture has left before. The heads are Keras models, so the backbone is run by
TensorFlow.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from vision.engines.base import check_finite, trial_pictures
from vision.engines.tensorflow import import_tensorflow
from vision.networks.table import PIXELS

if TYPE_CHECKING:
    from collections.abc import Sequence

    import keras
    import tensorflow as tf
    from numpy.typing import NDArray

    from vision.engines.base import Hardware, Scores
    from vision.engines.tensorflow import TensorFlowEngine
    from vision.networks.registry import Network
    from vision.networks.table import Cut

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, eq=False)
class ForHead:
    """One picture's pixels (height, width, channels), and the head whose scores are wanted."""

    pixels: NDArray[np.uint8]
    head: Head


class Head:
    """A Keras model from a cut to logits, traced once for batches of any size; it computes in float32, as in training.

    `network` is the fine-tuned one: its title is named in errors, and its preprocessing is its backbone's. `dtype` is
    that of the features at the cut. A head from the pixels on takes them as they are.
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


@dataclass(slots=True, eq=False)
class _Segment:
    """The part of a backbone up to a cut from the one before; `end` is None where it goes on to the network's scores.

    `function` was traced once, for batches of any size: a backbone may have many cuts, and each trace takes a second.
    """

    end: Cut | None
    function: Any


class Backbone:
    """A network in memory that answers for itself and for heads behind its cuts; the layers are the network's own.

    Until there is a head, the engine alone can run batches.

    `attach` may be called in another thread than `run`: the chain of segments is replaced as a whole.
    """

    def __init__(self, engine: TensorFlowEngine) -> None:
        self.engine, self._network = engine, engine.network
        self._made: dict[tuple[Cut | None, Cut | None], _Segment] = {}
        self._cuts: tuple[Cut, ...] = ()
        self._chain: tuple[_Segment, ...] = ()

    @property
    def hardware(self) -> Hardware:
        """Where the network computes."""
        return self.engine.hardware

    @property
    def largest(self) -> int:
        """The largest batch size."""
        return self.engine.largest

    def run(self, items: Sequence[NDArray[np.uint8] | ForHead]) -> list[Scores]:
        """Return the scores of at most `largest` pictures: of its head for each `ForHead`, else the network's own.

        A picture whose scores are not finite, or whose head fails, gets that error, alone.

        Raises:
            MemoryError: the device has too little memory for this many.
        """
        heads = [item.head if isinstance(item, ForHead) else None for item in items]
        pixels = [item.pixels if isinstance(item, ForHead) else item for item in items]
        return self._run_segments(pixels, heads) if any(heads) else self.engine.run(pixels)

    def attach(self, model: keras.Model, cut: Cut, network: Network) -> Head:
        """Return a head of this backbone, a Keras model from the cut to logits, in memory and ready to answer.

        It is run on trial pictures, which takes a second or more, so not on the event loop.

        Raises:
            NotFinite: its scores are not finite.
        """
        if self._reach(cut):
            for size in self.engine.sizes:  # the segments that lead on to the network's own scores as well
                self._run_segments(trial_pictures(self._network, size), [None] * size)
        head = Head(model, cut, network, self._dtype_at(cut))
        for size in self.engine.sizes:
            scores = self.run([ForHead(picture, head) for picture in trial_pictures(self._network, size)])
            if error := next((each for each in scores if isinstance(each, Exception)), None):
                raise error
        return head

    def close(self) -> None:
        """Drop the network, so that its memory can be used again."""
        self.engine.close()

    def _reach(self, cut: Cut) -> bool:
        """Trace what is run before and behind a cut; return whether it is a new one."""
        if cut in self._cuts:
            return False
        cuts = tuple(sorted((*self._cuts, cut), key=lambda one: one.frozen))
        ends = (None, *(one for one in cuts if one.layer != PIXELS), None)
        self._chain = tuple(self._segment(*pair) for pair in pairwise(ends))
        self._cuts = cuts
        return True

    def _dtype_at(self, cut: Cut) -> str:
        """Return the number format of the features at a cut."""
        return str(self.engine.model.get_layer(cut.layer).output.dtype) if cut.layer != PIXELS else "uint8"

    def _run_segments(self, pixels: Sequence[NDArray[np.uint8]], heads: Sequence[Head | None]) -> list[Scores]:
        try:
            return self._answers(pixels, heads)
        except import_tensorflow().errors.ResourceExhaustedError as error:
            raise MemoryError(str(error)) from error

    def _answers(self, pixels: Sequence[NDArray[np.uint8]], heads: Sequence[Head | None]) -> list[Scores]:
        answers: list[Scores] = [np.empty(0, np.float32)] * len(pixels)
        rows = list(range(len(pixels)))
        features = self._take(np.stack(pixels), rows)
        features, rows = self._leave(features, rows, heads, PIXELS, answers)
        for segment in self._chain if rows else ():
            features = segment.function(features)
            if segment.end:
                features, rows = self._leave(features, rows, heads, segment.end.layer, answers)
            else:  # what pads the batch comes last
                own = check_finite(features.numpy()[: len(rows)], self._network.title, self.hardware.precision)
                for row, scores in zip(rows, own, strict=True):
                    answers[row] = scores
            if not rows:
                break
        return answers

    def _leave(
        self, features: tf.Tensor, rows: list[int], heads: Sequence[Head | None], layer: str, answers: list[Scores]
    ) -> tuple[tf.Tensor, list[int]]:
        """Answer the pictures whose heads begin at a cut; return the features of the others, and which they are."""
        leaving: dict[Head, list[int]] = {}
        for place, row in enumerate(rows):
            if (head := heads[row]) and head.cut.layer == layer:
                leaving.setdefault(head, []).append(place)
        for head, places in leaving.items():
            for place, scores in zip(places, self._scores_of(head, features, places), strict=True):
                answers[rows[place]] = scores
        gone = {place for places in leaving.values() for place in places}
        staying = [place for place in range(len(rows)) if place not in gone]
        return (self._take(features, staying) if staying else features), [rows[place] for place in staying]

    def _scores_of(self, head: Head, features: tf.Tensor, places: list[int]) -> list[Scores]:
        """Run one head; what breaks it is the error of its own pictures, and of no other's."""
        try:
            scores = head.function(self._take(features, places)).numpy()[: len(places)]
        except import_tensorflow().errors.ResourceExhaustedError:
            raise
        except Exception as error:  # whatever it is, it is the answer to those who wait
            log.exception("%s cannot answer", head.title)
            return [error] * len(places)
        return check_finite(scores, head.title, self.hardware.precision)

    def _take(self, features: tf.Tensor | NDArray[np.uint8], places: list[int]) -> tf.Tensor:
        """Gather these rows of a batch, padded to a size that the device has computed before."""
        size = next(size for size in self.engine.sizes if size >= len(places))
        if size == len(features) and places == list(range(len(places))):
            return import_tensorflow().convert_to_tensor(features)
        return import_tensorflow().gather(features, places + places[:1] * (size - len(places)))

    def _segment(self, start: Cut | None, end: Cut | None) -> _Segment:
        ends = start, end
        if ends not in self._made:
            self._made[ends] = _Segment(end, self._trace(start, end))
        return self._made[ends]

    def _trace(self, start: Cut | None, end: Cut | None) -> Any:  # noqa: ANN401 - a TensorFlow function
        tf, network = import_tensorflow(), self._network
        part = between(self.engine.model, start, end)

        def onward(features: Any) -> Any:  # noqa: ANN401 - likewise
            if start is None:
                features = tf.cast(network.preprocess(tf.cast(features, tf.float32)), part.input.dtype)
            reached = part(features, training=False)
            return reached if end else tf.nn.softmax(tf.cast(reached, tf.float32))

        shape = start.shape if start else (network.input_size, network.input_size, network.channels)
        spec = tf.TensorSpec((None, *shape), self._dtype_at(start) if start else tf.uint8)
        return tf.function(onward, autograph=False).get_concrete_function(spec)


def between(model: keras.Model, start: Cut | None, end: Cut | None) -> keras.Model:
    """Return the part of a network between two cuts, or its ends; its layers stay the network's own."""
    import keras  # noqa: PLC0415 - seconds, and only whoever runs a network needs it

    first, last = (model.get_layer(cut.layer).output if cut else None for cut in (start, end))
    return keras.Model(model.input if first is None else first, model.output if last is None else last)
