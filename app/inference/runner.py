"""A network in memory, ready to answer: traced once for each batch size, warmed up, never traced again."""

from __future__ import annotations

import logging
import os
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from vision.networks import Network

log = logging.getLogger(__name__)

BATCH_SIZES = (1, 2, 4, 8)
RANDOM_SEED = 0  # of weights that are made up: the same everywhere, so that answers can be compared


@dataclass(frozen=True, slots=True)
class Hardware:
    """Where a network computes (`cpu` or `gpu`), and in which format."""

    device: str
    precision: str


def import_tensorflow() -> Any:  # noqa: ANN401 - TensorFlow has no types
    """Import TensorFlow, quietly, and let it take a GPU's memory as it needs it. Takes seconds the first time."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # its notices about the build say nothing to an operator
    import tensorflow as tf  # noqa: PLC0415 - not before a model is loaded

    for gpu in tf.config.list_physical_devices("GPU"):
        tf.config.experimental.set_memory_growth(gpu, enable=True)
    return tf


def choose_hardware(precision: str) -> Hardware:
    """Take the GPU where there is one; `auto` is float32."""
    tf = import_tensorflow()
    device = "gpu" if tf.config.list_physical_devices("GPU") else "cpu"
    return Hardware(device, "float32" if precision == "auto" else precision)


class Runner:
    """One network with its weights. Loading takes seconds: make it off the event loop."""

    largest = BATCH_SIZES[-1]

    def __init__(self, network: Network, weights: Path | None, precision: str, *, made_up: bool = False) -> None:
        started = time.perf_counter()
        self._tf = import_tensorflow()
        self.hardware = choose_hardware(precision)
        self._model = network.build(self.hardware.precision)
        if made_up and network.randomise:
            network.randomise(self._model, RANDOM_SEED)
        else:
            network.load(self._model, weights)
        self._functions = {size: self._trace(network, size) for size in BATCH_SIZES}
        self._warm_up(network.input_size)
        log.info("%s is ready after %.1f s", network.title, time.perf_counter() - started)

    def __call__(self, pixels: Sequence[NDArray[np.uint8]]) -> list[NDArray[np.float32]]:
        """Answer a batch of at most the largest size: (height, width, RGB) in 0 to 255 each to scores that sum to 1.

        The batch is padded to the next size that was traced.

        Raises:
            MemoryError: the device has too little memory for this many.
        """
        size = next(size for size in BATCH_SIZES if size >= len(pixels))
        batch = np.zeros((size, *pixels[0].shape), np.uint8)
        batch[: len(pixels)] = pixels
        try:
            scores = self._functions[size](self._tf.constant(batch)).numpy()
        except self._tf.errors.ResourceExhaustedError as error:
            raise MemoryError(str(error)) from error
        return list(scores[: len(pixels)])

    def _trace(self, network: Network, size: int) -> Any:  # noqa: ANN401 - a TensorFlow function
        tf, model = self._tf, self._model

        def scores(pixels: Any) -> Any:  # noqa: ANN401
            ready = network.preprocess(tf.cast(pixels, tf.float32))
            logits = model(tf.cast(ready, self.hardware.precision), training=False)
            return tf.nn.softmax(tf.cast(logits, tf.float32))

        shape = tf.TensorSpec((size, network.input_size, network.input_size, 3), tf.uint8)
        return tf.function(scores, autograph=False).get_concrete_function(shape)

    def _warm_up(self, side: int) -> None:
        blank = np.zeros((side, side, 3), np.uint8)
        for size in BATCH_SIZES:
            if not np.isfinite(self([blank] * size)).all():
                raise ValueError("its scores are not finite: the weights are damaged, or not for this precision")
