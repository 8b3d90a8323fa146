"""Where a network computes, and in which number format: the fastest that the device has instructions for."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from vision.machine import cores, fastest

if TYPE_CHECKING:
    from vision.networks.registry import Network


@dataclass(frozen=True, slots=True)
class Hardware:
    """Where a network computes (`cpu` or `gpu`), and in which format."""

    device: str
    precision: str


@cache
def import_tensorflow() -> Any:  # noqa: ANN401 - TensorFlow has no types
    """Import TensorFlow, quietly, as many threads as there are cores for us, and a GPU's memory only as it is needed.

    Takes seconds the first time.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # its notices about the build say nothing to an operator
    import tensorflow as tf  # noqa: PLC0415 - not before a model is loaded

    with suppress(RuntimeError):  # somebody has computed already, so that its threads are there
        # Its own count is of the machine's cores; in a container with a share of them, the others fight for that share.
        tf.config.threading.set_intra_op_parallelism_threads(cores())
        for gpu in tf.config.list_physical_devices("GPU"):
            tf.config.experimental.set_memory_growth(gpu, enable=True)
    return tf


def choose_hardware(network: Network, precision: str) -> Hardware:
    """Take the GPU where there is one; `auto` is the fastest format for this network on it."""
    tf = import_tensorflow()
    gpus = tf.config.list_physical_devices("GPU")
    if precision == "auto":
        gpu = tf.config.experimental.get_device_details(gpus[0]) if gpus else None
        precision = fastest(gpu, gains_from_16_bits=network.gains_from_16_bits)
    return Hardware("gpu" if gpus else "cpu", precision)
