"""Where a worker trains."""

from __future__ import annotations

import os

from vision.engines.tensorflow import collector_paused
from worker.errors import DeviceUnavailable


def choose_device(device: str) -> None:
    """Hide the GPU if it is to be left to others, or take of it only what is needed; before TensorFlow is imported.

    Raises:
        DeviceUnavailable: a GPU is wanted, and there is none.
    """
    if device == "cpu":
        os.environ["CUDA_VISIBLE_DEVICES"] = "-1"
    os.environ.setdefault("TF_FORCE_GPU_ALLOW_GROWTH", "true")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    with collector_paused():
        import tensorflow as tf  # noqa: PLC0415 - it reads what was just set

    if device == "gpu" and not tf.config.list_physical_devices("GPU"):
        raise DeviceUnavailable("This worker has no GPU. Set BESTGUESS_WORKER_DEVICE to auto or cpu, or use another.")
