"""A network in memory, ready to answer: traced once for batches of any size, warmed up, never traced again."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Any

import numpy as np

from app.inference import sizing
from app.inference.hardware import choose_hardware, import_tensorflow
from app.inference.heads import ForTail, Tail, Trunk
from vision.networks.random_weights import RANDOM_SEED

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import keras
    from numpy.typing import NDArray

    from vision.networks.registry import Network
    from vision.networks.table import Cut

log = logging.getLogger(__name__)


class NotFinite(ArithmeticError):
    """A network's scores for one image are no numbers: they overflowed, or its weights are damaged."""


class Runner:
    """One network with its weights, for batches of `sizes`, or of the sizes that pay on this device.

    Loading takes seconds: make it off the event loop. It raises NotFinite where trial pictures have scores of no use.
    """

    def __init__(
        self,
        network: Network,
        weights: Path | None,
        precision: str,
        *,
        made_up: bool = False,
        sizes: Sequence[int] | None = None,
    ) -> None:
        started = time.perf_counter()
        self._tf, self._network = import_tensorflow(), network
        self.hardware = choose_hardware(network, precision)
        self._model = network.build(self.hardware.precision)
        if made_up and network.randomise:
            network.randomise(self._model, RANDOM_SEED)
        else:
            network.load(self._model, weights)
        self._plain = self._trace()
        self._functions: dict[int, Any] = {}
        if sizes:
            self._add_all(sizes)
        else:
            self._add_what_pays()
        self._trunk = Trunk(network, self._model, self.sizes)
        if self.hardware.device == "gpu":
            self._compile(self.largest)
        what = f"{self.hardware.precision} on the {self.hardware.device.upper()}, batches of up to {self.largest}"
        log.info("%s is ready after %.1f s: %s", network.title, time.perf_counter() - started, what)

    @property
    def model(self) -> keras.Model:
        """The Keras model, from which heads are cloned."""
        return self._model

    @property
    def sizes(self) -> tuple[int, ...]:
        """The batch sizes that are computed, ascending: those given, or those that pay on this device."""
        return tuple(self._functions)

    @property
    def largest(self) -> int:
        """The largest batch that it takes."""
        return self.sizes[-1]

    def __call__(self, items: Sequence[NDArray[np.uint8] | ForTail]) -> list[NDArray[np.float32] | Exception]:
        """Answer a batch of at most `largest`: (height, width, channels) in 0 to 255 each to scores that sum to 1.

        Some of it may be for fine-tuned models, for whose part the network is run as far as they have it in common. The
        batch is padded to the next of `sizes`. An image whose scores are no numbers gets an error, alone.

        Raises:
            MemoryError: the device has too little memory for this many.
        """
        pixels = [item.pixels if isinstance(item, ForTail) else item for item in items]
        tails = [item.tail if isinstance(item, ForTail) else None for item in items]
        try:
            scores = self._trunk(pixels, tails) if any(tails) else self._own_scores(pixels)
        except self._tf.errors.ResourceExhaustedError as error:
            raise MemoryError(str(error)) from error
        return [self._judged(row, tail) for row, tail in zip(scores, tails, strict=True)]

    def grow(self, model: keras.Model, cut: Cut, network: Network) -> Tail:
        """Have a tail of this network, a Keras model from the cut to logits, in memory, ready to answer.

        It is asked about trial pictures, which takes a second or more, so not on the event loop.

        Raises:
            NotFinite: its scores are no numbers.
        """
        if self._trunk.reach(cut):
            for size in self.sizes:  # the parts that lead on to the network's own scores as well
                self._trunk(self._trial(size), [None] * size)
        tail = Tail(model, cut, network, self._trunk.dtype_at(cut))
        for size in self.sizes:
            answers = self([ForTail(picture, tail) for picture in self._trial(size)])
            if error := next((answer for answer in answers if isinstance(answer, Exception)), None):
                raise error
        return tail

    def _own_scores(self, pixels: Sequence[NDArray[np.uint8]]) -> Sequence[NDArray[np.float32]]:
        size = next(size for size in self.sizes if size >= len(pixels))
        batch = np.zeros((size, *pixels[0].shape), np.uint8)
        np.stack(pixels, out=batch[: len(pixels)])
        scores: Sequence[NDArray[np.float32]] = self._functions[size](self._tf.constant(batch)).numpy()[: len(pixels)]
        return scores

    def _judged(self, scores: NDArray[np.float32] | Exception, tail: Tail | None) -> NDArray[np.float32] | Exception:
        if isinstance(scores, Exception) or np.isfinite(scores).all():
            return scores
        return self._not_finite(tail.title if tail else self._network.title)

    def _not_finite(self, title: str) -> NotFinite:
        precision = self.hardware.precision
        advice = "its weights are damaged" if precision == "float32" else "set BESTGUESS_PRECISION=float32 and restart"
        return NotFinite(f"{title}'s scores are not finite in {precision}: {advice}")

    def _trace(self, size: int | None = None, *, compiled: bool = False) -> Any:  # noqa: ANN401 - a TensorFlow function
        """Trace the network for batches of one size, or of any.

        A size of its own for each would compute no faster, and each trace takes time and memory.
        """
        tf, model, network, precision = self._tf, self._model, self._network, self.hardware.precision

        def scores(pixels: Any) -> Any:  # noqa: ANN401
            ready = network.preprocess(tf.cast(pixels, tf.float32))
            logits = model(tf.cast(ready, precision), training=False)
            return tf.nn.softmax(tf.cast(logits, tf.float32))

        shape = tf.TensorSpec((size, network.input_size, network.input_size, network.channels), tf.uint8)
        return tf.function(scores, autograph=False, jit_compile=compiled or None).get_concrete_function(shape)

    def _add_all(self, sizes: Sequence[int]) -> None:
        for size in sorted(sizes):
            self._add(size)

    def _add_what_pays(self) -> None:
        rates: dict[int, float] = {}
        for size in sizing.SIZES:
            if sizing.too_long(size, rates):
                break
            try:
                rates[size] = size / self._add(size)
            except MemoryError:
                if not rates:
                    raise
                log.warning("a batch of %d does not fit into the device's memory", size)
                break
        self._functions = {size: self._functions[size] for size in sizing.worthwhile(rates)}

    def _add(self, size: int) -> float:
        self._functions[size] = self._plain
        return self._timed(size)

    def _compile(self, size: int) -> None:
        """Have XLA compile one size, and keep that where it is faster: by how much differs from card to card."""
        seconds = self._timed(size)
        try:
            self._functions[size] = self._trace(size, compiled=True)
            gain = seconds / self._timed(size)
        except (self._tf.errors.OpError, MemoryError) as error:  # a compiler that is not complete, or no room for it
            log.warning("XLA cannot compile %s: %s", self._network.title, error)
            gain = 0.0
        if gain < sizing.GAIN:
            self._functions[size] = self._plain
        log.info("XLA at batch %d: %.2f times as fast", size, gain)

    def _timed(self, size: int) -> float:
        """Answer pictures of nothing, white and noise; return the seconds of the fastest time after the first."""
        seconds = []
        for turn in range(1 + sizing.TURNS):
            pixels = self._trial(size, turn)
            started = time.perf_counter()
            answers = self(pixels)
            seconds.append(time.perf_counter() - started)
            if any(isinstance(answer, NotFinite) for answer in answers):
                raise self._not_finite(self._network.title)
            if sum(seconds[1:]) > sizing.ENOUGH:
                break
        return min(seconds[1:])

    def _trial(self, size: int, turn: int = 0) -> list[NDArray[np.uint8]]:
        shape = self._network.input_size, self._network.input_size, self._network.channels
        noise = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
        kinds = [np.zeros_like(noise), np.full_like(noise, 255), noise]
        return [kinds[(turn + index) % len(kinds)] for index in range(size)]
