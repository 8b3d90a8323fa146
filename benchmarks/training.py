"""Training comparison: MNIST with plain Keras and as a job, on the same digits, one after the other."""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.processes import print_result, run_module
from benchmarks.report import table
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
    from collections.abc import Iterator

    import keras
    import tensorflow as tf
    from rich.console import RenderableType

    from worker.mnist.data import Digits

SEED = 0


def measure_training(steps: int) -> dict[str, Any]:
    """Train twice, in a process of its own.

    Raises:
        BenchmarkError: the process failed.
    """
    return run_module("benchmarks.training", {"steps": steps})


def measure(parameters: dict[str, Any]) -> dict[str, Any]:
    """Train both ways. `seconds` are those of the steps, from the first to the last, tracing of graphs included.

    MNIST is looked for where a worker does, but not downloaded: synthetic digits replace it.
    """
    try:
        settings = WorkerSettings.load()
        digits = data.find(settings.mnist, settings.data_dir) or synthetic_digits(SEED)
    except (SettingsError, DatasetUnavailable) as error:
        sys.exit(str(error))
    import keras  # noqa: PLC0415 - it takes seconds, and only after the settings are checked
    import tensorflow as tf  # noqa: PLC0415 - likewise

    params = MnistParams(steps=parameters["steps"], seed=SEED)
    plain = _train_with_keras(params, digits)
    ours = _train_as_job(params, digits)
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


def _train_as_job(params: MnistParams, digits: Digits) -> dict[str, float]:
    """Train as a job does, with reports and checkpoints."""
    times: list[float] = []

    def report(told: Report) -> None:
        if told.entry or not times:
            times.append(time.perf_counter())

    with tempfile.TemporaryDirectory() as folder:
        result = train(params, digits, report, lambda: False, Checkpoint(Path(folder)))
    return _row(params, times[-1] - times[0], result.test_accuracy)


def _train_with_keras(params: MnistParams, digits: Digits) -> dict[str, float]:
    """Train as Keras's examples do: `fit` with `tf.data`, in float32, with Keras's Adam."""
    import keras  # noqa: PLC0415 - as above

    keras.utils.set_random_seed(SEED)
    model = tutorial_network(params.dropout)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(params.learning_rate), loss, metrics=["accuracy"])
    batches = _batches(params, digits)
    started = time.perf_counter()
    model.fit(batches, steps_per_epoch=params.steps, shuffle=False, verbose=0)  # `batches` are shuffled
    seconds = time.perf_counter() - started
    return _row(params, seconds, accuracy(model, digits.x_test, digits.y_test, lambda _: None))


def _batches(params: MnistParams, digits: Digits) -> tf.data.Dataset:
    import tensorflow as tf  # noqa: PLC0415 - as above

    images = tf.data.Dataset.from_tensor_slices((digits.x_train[..., None], digits.y_train))
    images = images.shuffle(len(digits.x_train), seed=SEED).repeat().batch(params.batch_size)
    scaled = images.map(lambda x, y: (network.prepared(x), y), num_parallel_calls=tf.data.AUTOTUNE)
    return scaled.prefetch(tf.data.AUTOTUNE)


def tutorial_network(dropout: float) -> keras.Model:
    """Build the network as the tutorial has it."""
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


def training_report(result: dict[str, Any]) -> Iterator[RenderableType]:
    """Show a row for each training, the ratio, and the data."""
    params, data = result["params"], result["data"]
    title = f"{params['steps']:,} steps of {params['batch_size']} images, {result['device'].upper()}"
    shown = table(title, "training", "seconds", "images/s", "test accuracy")
    names = {"plain": "Keras: model.fit, tf.data, float32", "bestguess": f"Best Guess: {result['precision']}"}
    for key, name in names.items():
        row = result[key]
        shown.add_row(name, f"{row['seconds']:.1f}", f"{row['images_per_second']:,.0f}", f"{row['test_accuracy']:.2%}")
    yield shown
    kind = "the official images" if data["official"] else "not MNIST's own images"
    yield f"{result['ratio']:.2f} times as fast. Data: {data['name']}, {kind}."


if __name__ == "__main__":
    print_result(measure)
