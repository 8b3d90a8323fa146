"""How much faster the training is than plain Keras: both in one run, on the same images, one after the other.

`python -m benchmarks.training --json` prints a JSON object. It looks for MNIST where a worker does, but fetches
nothing: without it, it draws digits.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bestguess.schemas.job_params import MnistParams
from jobs.settings import SettingsError, WorkerSettings
from vision.digits import network
from worker.checkpoint import Checkpoint
from worker.errors import DatasetUnavailable
from worker.mnist import data
from worker.mnist.evaluation import accuracy
from worker.mnist.synthetic import synthetic_digits
from worker.mnist.training import Report, train

if TYPE_CHECKING:
    import keras
    import tensorflow as tf

    from worker.mnist.data import Digits

_SEED = 0


def main() -> None:
    """Read the arguments, measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="on one line, for programs")
    parser.add_argument("--steps", type=int, default=1000, help="on either side")
    asked = parser.parse_args()
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    try:
        digits = _digits()
    except (SettingsError, DatasetUnavailable) as error:
        sys.exit(str(error))
    measured = measure(MnistParams(steps=asked.steps, seed=_SEED), digits)
    print(json.dumps(measured, indent=None if asked.json else 2))  # noqa: T201 - what it is for


def measure(params: MnistParams, digits: Digits) -> dict[str, Any]:
    """Train both ways. Seconds are those of the steps, from the first to the last, the building of graphs included."""
    import keras  # noqa: PLC0415 - seconds, and not before the arguments are right
    import tensorflow as tf  # noqa: PLC0415

    plain = _plain(params, digits)
    ours = _ours(params, digits)
    return {
        "data": {"name": digits.name, "official": digits.official, "train": len(digits.x_train)},
        "params": params.model_dump(),
        "device": "gpu" if tf.config.list_physical_devices("GPU") else "cpu",
        "precision": network.fastest_precision(),
        "versions": {"tensorflow": tf.__version__, "keras": keras.__version__},
        "plain": plain,
        "bestguess": ours,
        "ratio": plain["seconds"] / ours["seconds"],
    }


def _digits() -> Digits:
    settings = WorkerSettings.load()
    return data.find(settings.mnist, settings.data_dir) or synthetic_digits(_SEED)


def _ours(params: MnistParams, digits: Digits) -> dict[str, float]:
    """Train as a job does, with its reports and its checkpoints."""
    times: list[float] = []

    def report(told: Report) -> None:
        if told.entry or not times:
            times.append(time.perf_counter())

    with tempfile.TemporaryDirectory() as folder:
        result = train(params, digits, report, lambda: False, Checkpoint(Path(folder)))
    return _row(params, times[-1] - times[0], result.test_accuracy)


def _plain(params: MnistParams, digits: Digits) -> dict[str, float]:
    """Train as Keras's own examples do: `fit` over `tf.data`, in float32, with Keras's Adam."""
    import keras  # noqa: PLC0415 - as above

    keras.utils.set_random_seed(_SEED)
    model = _tutorial(params.dropout)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(params.learning_rate), loss, metrics=["accuracy"])
    batches = _dataset(params, digits)
    started = time.perf_counter()
    model.fit(batches, steps_per_epoch=params.steps, shuffle=False, verbose=0)  # the data set shuffles
    seconds = time.perf_counter() - started
    return _row(params, seconds, accuracy(model, digits.x_test, digits.y_test, lambda _: None))


def _dataset(params: MnistParams, digits: Digits) -> tf.data.Dataset:
    import tensorflow as tf  # noqa: PLC0415 - as above

    images = tf.data.Dataset.from_tensor_slices((digits.x_train[..., None], digits.y_train))
    images = images.shuffle(len(digits.x_train), seed=_SEED).repeat().batch(params.batch_size)
    scaled = images.map(lambda x, y: (network.prepared(x), y), num_parallel_calls=tf.data.AUTOTUNE)
    return scaled.prefetch(tf.data.AUTOTUNE)


def _tutorial(dropout: float) -> keras.Model:
    """Make the network as the tutorial writes it down."""
    import keras  # noqa: PLC0415 - as above

    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input((network.SIDE, network.SIDE, 1)),
            layers.Conv2D(32, 5, padding="same", activation="relu"),
            layers.MaxPooling2D(),
            layers.Conv2D(64, 5, padding="same", activation="relu"),
            layers.MaxPooling2D(),
            layers.Flatten(),
            layers.Dense(1024, activation="relu"),
            layers.Dropout(dropout),
            layers.Dense(network.CLASSES),
        ]
    )


def _row(params: MnistParams, seconds: float, test_accuracy: float) -> dict[str, float]:
    rate = params.steps * params.batch_size / seconds
    return {"seconds": seconds, "images_per_second": rate, "test_accuracy": test_accuracy}


if __name__ == "__main__":
    main()
