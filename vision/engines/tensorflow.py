"""A network run by TensorFlow: traced once for batches of any size, warmed up, never traced again."""

from __future__ import annotations

import gc
import logging
import os
import time
from contextlib import contextmanager, suppress
from functools import cache
from typing import TYPE_CHECKING, Any

from vision.engines.base import GAIN, Engine, Hardware
from vision.machine import cores, fastest
from vision.networks.random_weights import RANDOM_SEED

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from vision.networks.registry import Network

log = logging.getLogger(__name__)

# Measured with VGG-19 in float32 on two cores: while it is loaded and warmed up it takes 2.15 GB at most, 0.58 of which
# are its weights; the device keeps copies of them in an order of its own.
COPIES, BESIDE = 3, 500_000_000


@contextmanager
def collector_paused() -> Iterator[None]:
    """Pause the garbage collector for an import of TensorFlow: a quarter of its processor time, and no garbage."""
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


@cache
def import_tensorflow() -> Any:  # noqa: ANN401 - TensorFlow has no types
    """Import TensorFlow, quietly, as many threads as there are cores for us, and a GPU's memory only as it is needed.

    Takes seconds the first time.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # its notices about the build say nothing to an operator
    with collector_paused():
        import tensorflow as tf  # noqa: PLC0415 - not before a model is loaded

    with suppress(RuntimeError):  # somebody has computed already, so that its threads are there
        # Its own count is of the machine's cores; in a container with a share of them, the others fight for that share.
        tf.config.threading.set_intra_op_parallelism_threads(cores())
        for gpu in tf.config.list_physical_devices("GPU"):
            tf.config.experimental.set_memory_growth(gpu, enable=True)
    return tf


def choose_hardware(network: Network, precision: str) -> Hardware:
    """Choose the GPU where there is one; `auto` is the fastest number format for this network on it."""
    tf = import_tensorflow()
    gpus = tf.config.list_physical_devices("GPU")
    if precision == "auto":
        gpu = tf.config.experimental.get_device_details(gpus[0]) if gpus else None
        precision = fastest(gpu, gains_from_16_bits=network.gains_from_16_bits)
    return Hardware("gpu" if gpus else "cpu", precision)


def memory_to_load(network: Network) -> int:
    """Return how many bytes are taken while a network is loaded, in float32."""
    return COPIES * 4 * network.parameters + BESIDE


class TensorFlowEngine(Engine):
    """A Keras model as a TensorFlow function; on a GPU the largest batch is compiled by XLA where that is faster.

    `weights` is a file that the network reads, or None for weights that it carries or makes up. Without `sizes` the
    batch sizes are those that pay on this device.
    """

    name = "tensorflow"

    def __init__(
        self, network: Network, weights: Path | None, precision: str, sizes: Sequence[int] | None = None
    ) -> None:
        started = time.perf_counter()
        self._tf = import_tensorflow()
        super().__init__(network, choose_hardware(network, precision))
        self.model: Any = network.build(self.hardware.precision)
        if weights is None and network.randomise:
            network.randomise(self.model, RANDOM_SEED)
        else:
            network.load(self.model, weights)
        self._function = self._trace()
        self._compiled: dict[int, Any] = {}  # by batch size
        self.warm_up(sizes)
        if self.hardware.device == "gpu":
            self._compile(self.largest)
        what = f"{self.hardware.precision} on the {self.hardware.device.upper()}, batches of up to {self.largest}"
        log.info("%s is ready after %.1f s: %s, %s", network.title, time.perf_counter() - started, self.name, what)

    def compute(self, batch: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return the scores (n, classes) of pictures, as `Engine.compute`."""
        function = self._compiled.get(len(batch), self._function)
        try:
            scores: NDArray[np.float32] = function(self._tf.constant(batch)).numpy()
        except self._tf.errors.ResourceExhaustedError as error:
            raise MemoryError(str(error)) from error
        return scores

    def close(self) -> None:
        """Drop the network, as `Engine.close`."""
        self._compiled.clear()
        self._function = self.model = None

    def _trace(self, size: int | None = None, *, compiled: bool = False) -> Any:  # noqa: ANN401 - a TensorFlow function
        """Trace the network for batches of one size, or of any.

        A size of its own for each would compute no faster, and each trace takes time and memory.
        """
        tf, model, network, precision = self._tf, self.model, self.network, self.hardware.precision

        def scores(pixels: Any) -> Any:  # noqa: ANN401
            ready = network.preprocess(tf.cast(pixels, tf.float32))
            logits = model(tf.cast(ready, precision), training=False)
            return tf.nn.softmax(tf.cast(logits, tf.float32))

        shape = tf.TensorSpec((size, network.input_size, network.input_size, network.channels), tf.uint8)
        return tf.function(scores, autograph=False, jit_compile=compiled or None).get_concrete_function(shape)

    def _compile(self, size: int) -> None:
        """Have XLA compile one size, and keep that where it is faster: by how much differs from card to card."""
        seconds = self.seconds(size)
        try:
            self._compiled[size] = self._trace(size, compiled=True)
            gain = seconds / self.seconds(size)
        except (self._tf.errors.OpError, MemoryError) as error:  # a compiler that is not complete, or no room for it
            log.warning("XLA cannot compile %s: %s", self.network.title, error)
            gain = 0.0
        if gain < GAIN:
            self._compiled.pop(size, None)
        log.info("XLA at batch %d: %.2f times as fast", size, gain)
