"""Fine-tuning comparison: plain Keras and a job, on the same photographs and weights, one after the other.

Weights are looked for where a worker does, but not downloaded. Random ones replace them, which cost the same
arithmetic, normalised by the photographs so that there is something to learn.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from benchmarks.photos import dataset, textures
from benchmarks.processes import BenchmarkError, print_result, run_module
from benchmarks.report import table
from bestguess.schemas.job_params import FinetuneParams
from jobs.settings import SettingsError, WorkerSettings
from vision.decode.images import Limits, View, decode
from vision.decode.sandbox import Cost
from vision.networks import keras_h5, transfer_learning
from vision.networks.keras_h5 import LayerWeights
from vision.networks.random_weights import RANDOM_SEED
from vision.networks.registry import NETWORKS
from vision.networks.weights import WeightsError, find, identify
from worker.chance import order
from worker.checkpoint import Checkpoint
from worker.finetune.cache import ArrayCache
from worker.finetune.division import Division, divide
from worker.finetune.job import peak_memory
from worker.finetune.network import Base
from worker.finetune.stepping import MOMENTUM
from worker.finetune.task import Room, Task
from worker.finetune.telling import Telling
from worker.finetune.training import train

if TYPE_CHECKING:
    from collections.abc import Iterator

    import keras
    from numpy.typing import NDArray
    from rich.console import RenderableType

    from jobs.datasets.photographs import Photographs
    from vision.networks.registry import Network
    from vision.networks.weights import FoundWeights

SEED = 0
NORMALISING_PHOTOS = 16
MIN_DEVIATION = 1e-6  # a channel that is the same for every photograph keeps its scale


class Options(NamedTuple):
    """A fine-tuning: base network, photographs, epochs, frozen weight layers (None: all but the last three).

    `photos` is a folder with a photograph for each class, of which crops are taken; None: generated textures.
    """

    base: str
    images: int
    epochs: int
    freeze: int | None
    photos: str | None


def measure_finetuning(options: Options) -> dict[str, Any]:
    """Fine-tune twice, in a process of its own.

    Raises:
        BenchmarkError: the process failed.
    """
    return run_module("benchmarks.finetuning", options._asdict())


def measure(parameters: dict[str, Any]) -> dict[str, Any]:
    """Fine-tune both ways."""
    options = Options(**parameters)
    root = NETWORKS[options.base]
    try:
        settings = WorkerSettings.load()
        photographs = dataset(Path(options.photos), options.images) if options.photos else textures(options.images)
        transfer_learning.cut_of(root, options.freeze)
        return compare(root, photographs, settings, options.epochs, options.freeze)
    except (SettingsError, WeightsError, BenchmarkError, ValueError, OSError) as error:
        sys.exit(str(error))


def compare(
    root: Network, photographs: Photographs, settings: WorkerSettings, epochs: int, freeze: int | None
) -> dict[str, Any]:
    """Train both ways: from files and weights on disk to a trained network."""
    import keras  # noqa: PLC0415 - it takes seconds, and only after the options are checked
    import tensorflow as tf  # noqa: PLC0415 - likewise

    params = FinetuneParams(dataset_id=photographs.id, base=root.id, freeze=freeze, epochs=epochs, seed=SEED)
    with tempfile.TemporaryDirectory() as folder:
        weights = _find_weights(root, settings) or _make_weights(root, photographs, settings, Path(folder))
        task = Task(params, Base(root, weights), photographs)
        division = divide(photographs.photographs, params.validation_split)
        ours = _train_as_job(task, settings)  # the first, so that the peak of memory is its own
        plain = _train_with_keras(task, settings, division)
    return {
        "data": {"name": photographs.name, "train": len(division.train), "validation": len(division.validation)},
        "params": params.model_dump(mode="json") | {"freeze": transfer_learning.freeze_of(root, freeze)},
        "weights": weights.origin,
        "device": "gpu" if tf.config.list_physical_devices("GPU") else "cpu",
        "versions": {"tensorflow": tf.__version__, "keras": keras.__version__},
        "plain": plain,
        "bestguess": ours,
        "ratio": plain["seconds"] / ours["seconds"],
        "processor_ratio": plain["processor_seconds"] / ours["processor_seconds"],
    }


def _train_as_job(task: Task, settings: WorkerSettings) -> dict[str, Any]:
    """Train as a job does, with reports and checkpoints, and an empty cache."""
    started, cpu_started = time.perf_counter(), _cpu_seconds()
    with tempfile.TemporaryDirectory() as folder:
        room = Room(
            ArrayCache(Path(folder) / "features", settings.features_bytes),
            Cost(settings.decode_seconds, settings.decode_memory_bytes),
            _limits(settings),
            settings.precision,
            "bench",
        )
        result = train(task, room, Telling(lambda *_: None, lambda: False), Checkpoint(Path(folder)))
        seconds, cpu = time.perf_counter() - started, _cpu_seconds() - cpu_started
    return {
        "seconds": seconds,
        "processor_seconds": cpu,
        "validation_accuracy": result.history[result.best_epoch - 1].validation_accuracy,
        "precision": result.precision,
        "cached": result.cached,
        "peak_memory_bytes": peak_memory(),
    }


def _train_with_keras(task: Task, settings: WorkerSettings, division: Division) -> dict[str, Any]:
    """Train as the tutorial does, in float32, with Keras's `fit`; the best epoch counts here as well."""
    import keras  # noqa: PLC0415 - as above

    started, cpu_started = time.perf_counter(), _cpu_seconds()
    params = task.params
    model = _whole_network(task)
    if params.optimizer == "sgd":
        optimizer = keras.optimizers.SGD(params.learning_rate, momentum=MOMENTUM)
    else:
        optimizer = keras.optimizers.Adam(params.learning_rate)
    model.compile(optimizer, keras.losses.SparseCategoricalCrossentropy(from_logits=True), metrics=["accuracy"])
    labels = np.asarray([photograph.label for photograph in task.photographs.photographs], np.int32)
    (x, y), validation = (
        (_pixels(task.base.root, task.photographs, settings, places), labels[places]) for places in division
    )
    accuracies = []
    for epoch in range(params.epochs):
        places = order(len(y), SEED, epoch)  # the order of the job, so that both see the same batches
        history = model.fit(
            x[places], y[places], batch_size=params.batch_size, shuffle=False, verbose=0, validation_data=validation
        ).history
        accuracies += history["val_accuracy"]
    return {
        "seconds": time.perf_counter() - started,
        "processor_seconds": _cpu_seconds() - cpu_started,
        "validation_accuracy": max(accuracies),
        "precision": "float32",
    }


def _cpu_seconds() -> float:
    """Return the processor time of this process and of its children that have ended."""
    return sum(os.times()[:4])


def _limits(settings: WorkerSettings) -> Limits:
    return Limits(settings.max_pixels, settings.max_scans)


def _whole_network(task: Task) -> keras.Model:
    """Build the pretrained network with its first layers frozen and a new last layer."""
    import keras  # noqa: PLC0415 - as above

    root = task.base.root
    model = root.build("float32")
    root.load(model, task.base.weights.path)
    for layer in transfer_learning.frozen_layers(root, model, task.params.freeze):
        layer.trainable = False
    start = keras.initializers.GlorotUniform(seed=SEED)
    last = keras.layers.Dense(len(task.photographs.classes), kernel_initializer=start, name="new")
    return keras.Model(model.input, last(model.layers[-2].output))


def _pixels(
    root: Network, photographs: Photographs, settings: WorkerSettings, places: NDArray[np.int32]
) -> NDArray[np.float32]:
    view = View(root.input_size, "crop", root.resize, root.interpolation)
    read, limits = photographs.read, _limits(settings)
    views = [decode(read(place), (view,), limits).views[0] for place in places.tolist()]
    return np.asarray(root.preprocess(np.stack(views).astype(np.float32)))


def _find_weights(root: Network, settings: WorkerSettings) -> FoundWeights | None:
    if root.carried is not None:
        return root.carried()
    found = find(root.weights, settings.weights, settings.data_dir) if root.weights else None
    return found if found and found.path else None


def _make_weights(root: Network, photographs: Photographs, settings: WorkerSettings, folder: Path) -> FoundWeights:
    some = np.arange(min(NORMALISING_PHOTOS, len(photographs.photographs)), dtype=np.int32)
    return normalised_weights(root, _pixels(root, photographs, settings, some), folder / "random.h5")


def normalised_weights(root: Network, pixels: NDArray[np.float32], path: Path) -> FoundWeights:
    """Write random weights for a sequential network, such as VGG16, normalised by photographs, into a new file.

    Behind the weights of `vision.networks.random_weights` all photographs are nearly equal, so that no last layer can
    learn to tell them apart. Here, layer by layer, each channel's outputs before the ReLU get mean 0 and variance 1
    over the photographs (Krähenbühl et al. 2016, https://arxiv.org/abs/1511.06856). `pixels` (n, side, side, channels)
    are preprocessed.

    Raises:
        OSError: the file cannot be written.
        ValueError: the network has no weights file, or none that can be random.
    """
    if root.weights is None or root.randomise is None:
        raise ValueError(f"{root.title} has no weights that can be made up")
    model = root.build("float32")
    root.randomise(model, RANDOM_SEED)
    keras_h5.write(path, root.table.stored, _normalised_layers(model, pixels), seed=RANDOM_SEED)
    return identify(path, root.weights)


def _normalised_layers(model: keras.Model, pixels: NDArray[np.float32]) -> Iterator[LayerWeights]:
    import keras  # noqa: PLC0415 - as above

    through = keras.ops.convert_to_tensor(pixels)
    for layer in model.layers[1:]:
        if layer.weights:
            kernel, bias = (np.asarray(each, np.float32) for each in layer.get_weights())
            activation, layer.activation = layer.activation, keras.activations.linear
            outputs = np.asarray(layer(through))
            axes = tuple(range(outputs.ndim - 1))
            mean, deviation = outputs.mean(axes, dtype=np.float64), outputs.std(axes, dtype=np.float64)
            deviation[deviation < MIN_DEVIATION] = 1
            kernel, bias = np.asarray(kernel / deviation, np.float32), np.asarray((bias - mean) / deviation, np.float32)
            layer.set_weights([kernel, bias])
            layer.activation = activation
            yield LayerWeights(layer.name, {"kernel": kernel, "bias": bias})
        through = layer(through)


def finetuning_report(result: dict[str, Any]) -> Iterator[RenderableType]:
    """Show a row for each training, the ratio, the memory, the data and the weights."""
    params, data = result["params"], result["data"]
    count = data["train"] + data["validation"]
    title = f"{count} photographs, {params['epochs']} epochs, {params['base']}, {params['freeze']} layers frozen"
    columns = ("frozen part", "seconds", "of processors", "validation accuracy")
    shown = table(f"{title}, {result['device'].upper()}", "fine-tuning", *columns)
    for key, name in {"plain": "Keras: layer.trainable = False, model.fit", "bestguess": "Best Guess"}.items():
        row = result[key]
        seconds = (f"{row[kind]:.1f}" for kind in ("seconds", "processor_seconds"))
        shown.add_row(name, row["precision"], *seconds, f"{row['validation_accuracy']:.2%}")
    yield shown
    words = {"imagenet": "the official weights", "custom": "weights of your own"}
    weights = words.get(result["weights"], "random weights, normalised by them")
    photographs = "Drawn textures" if data["name"] == "textures" else "Crops of photographs, a class each"
    memory = result["bestguess"]["peak_memory_bytes"] / 1024**3
    yield f"{result['ratio']:.2f} times as fast, in {memory:.1f} GiB of memory. {photographs}; {weights}."


if __name__ == "__main__":
    print_result(measure)
