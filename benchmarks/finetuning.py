"""How much faster a fine-tuning is than plain Keras: both in one run, on the same photographs, one after the other.

`python -m benchmarks.finetuning --json` prints a JSON object. It looks for weights where a worker does, but fetches
nothing: without them, they are made up, which costs the same arithmetic, and set to the photographs, so that there is
something to learn. The photographs are drawn, or cut out of a folder's.
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

import numpy as np

from benchmarks.crops import crops
from benchmarks.spread import spread
from bestguess.schemas.job_params import FinetuneParams
from jobs.settings import SettingsError, WorkerSettings
from vision import transfer_learning
from vision.images import Limits, View, decode
from vision.networks import NETWORKS
from vision.sandbox import Cost
from vision.weights import WeightsError, find
from worker.chance import order
from worker.checkpoint import Checkpoint
from worker.finetune.cache import ArrayCache
from worker.finetune.division import Division, divide
from worker.finetune.job import peak_memory
from worker.finetune.network import Base
from worker.finetune.stepping import MOMENTUM
from worker.finetune.task import Room, Task
from worker.finetune.telling import Telling
from worker.finetune.textures import textures
from worker.finetune.training import train

if TYPE_CHECKING:
    import keras
    from numpy.typing import NDArray

    from jobs.datasets.photographs import Photographs
    from vision.networks import Network

_SEED = 0
_SPREAD = 16  # photographs that made-up weights are set to


def main() -> None:
    """Read the arguments, measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="on one line, for programs")
    parser.add_argument("--base", choices=sorted(NETWORKS), default="vgg16", help="the pretrained network")
    parser.add_argument("--images", type=int, default=500, help="photographs, a fifth of them to validate with")
    parser.add_argument("--epochs", type=int, default=10, help="on either side")
    parser.add_argument("--freeze", type=int, help="weight layers; all but the last three if not given")
    parser.add_argument(
        "--photos", type=Path, help="a folder of photographs, a class each; if not given, they are drawn"
    )
    asked = parser.parse_args()
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    try:
        settings = WorkerSettings.load()
        photographs = crops(asked.photos, asked.images) if asked.photos else textures(asked.images)
        params = FinetuneParams(
            dataset_id=photographs.id, base=asked.base, freeze=asked.freeze, epochs=asked.epochs, seed=_SEED
        )
        root = NETWORKS[asked.base]
        transfer_learning.cut_of(root, asked.freeze)
        with tempfile.TemporaryDirectory() as folder:
            base = _base(root, settings) or _made_up(root, photographs, settings, Path(folder))
            measured = measure(Task(params, base, photographs), settings)
    except (SettingsError, WeightsError, ValueError, OSError) as error:
        sys.exit(str(error))
    print(json.dumps(measured, indent=None if asked.json else 2))  # noqa: T201 - what it is for


def measure(task: Task, settings: WorkerSettings) -> dict[str, Any]:
    """Train both ways: from files and weights on disk to a trained network, everything in between included."""
    import keras  # noqa: PLC0415 - seconds, and not before the arguments are right
    import tensorflow as tf  # noqa: PLC0415

    division = divide(task.photographs.photographs, task.params.validation_split)
    ours = _ours(task, settings)  # the first, so that its peak of memory is its own
    plain = _plain(task, settings, division)
    return {
        "data": {"name": task.photographs.name, "train": len(division.train), "validation": len(division.validation)},
        "params": task.params.model_dump(mode="json")
        | {"freeze": transfer_learning.freeze_of(task.base.root, task.params.freeze)},
        "weights": task.base.weights.origin,
        "device": "gpu" if tf.config.list_physical_devices("GPU") else "cpu",
        "versions": {"tensorflow": tf.__version__, "keras": keras.__version__},
        "plain": plain,
        "bestguess": ours,
        "ratio": plain["seconds"] / ours["seconds"],
        "processor_ratio": plain["processor_seconds"] / ours["processor_seconds"],
    }


def _base(root: Network, settings: WorkerSettings) -> Base | None:
    if root.carried is not None:
        return Base(root, root.carried())
    found = find(root.weights, settings.weights, settings.data_dir) if root.weights else None
    return Base(root, found) if found and found.path else None


def _made_up(root: Network, photographs: Photographs, settings: WorkerSettings, folder: Path) -> Base:
    some = np.arange(min(_SPREAD, len(photographs.photographs)), dtype=np.int32)
    pixels = _pixels(root, photographs, settings, some)
    return Base(root, spread(root, pixels, folder / "random.h5"))


def _limits(settings: WorkerSettings) -> Limits:
    return Limits(settings.max_pixels, settings.max_scans)


def _ours(task: Task, settings: WorkerSettings) -> dict[str, Any]:
    """Train as a job does, with its reports and its checkpoints, and nothing kept from an earlier one."""
    started, used = time.perf_counter(), processor_seconds()
    with tempfile.TemporaryDirectory() as folder:
        room = Room(
            ArrayCache(Path(folder) / "features", settings.features_bytes),
            Cost(settings.decode_seconds, settings.decode_memory_bytes),
            _limits(settings),
            settings.precision,
            "bench",
        )
        result = train(task, room, Telling(lambda *_: None, lambda: False), Checkpoint(Path(folder)))
        seconds, used = time.perf_counter() - started, processor_seconds() - used
    best = result.history[result.best_epoch - 1].validation_accuracy
    facts = {"precision": result.precision, "cached": result.cached, "peak_memory_bytes": peak_memory()}
    return {"seconds": seconds, "processor_seconds": used, "validation_accuracy": best} | facts


def _plain(task: Task, settings: WorkerSettings, division: Division) -> dict[str, Any]:
    """Train as the tutorial does, in float32, with Keras's `fit`; the best epoch counts here as well."""
    import keras  # noqa: PLC0415 - as above

    started, used = time.perf_counter(), processor_seconds()
    params = task.params
    model = _whole(task)
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
        places = order(len(y), _SEED, epoch)  # the order that ours has, so that both see the same
        told = model.fit(
            x[places], y[places], batch_size=params.batch_size, shuffle=False, verbose=0, validation_data=validation
        )
        accuracies += told.history["val_accuracy"]
    seconds, used = time.perf_counter() - started, processor_seconds() - used
    best = max(accuracies)
    return {"seconds": seconds, "processor_seconds": used, "validation_accuracy": best, "precision": "float32"}


def processor_seconds() -> float:
    """Say how long this process and those that it has ended have computed: other work on the machine counts little."""
    return sum(os.times()[:4])


def _whole(task: Task) -> keras.Model:
    """Make the pretrained network with its first layers frozen, and a new last one in the old one's place."""
    import keras  # noqa: PLC0415 - as above

    root = task.base.root
    model = root.build("float32")
    root.load(model, task.base.weights.path)
    for layer in transfer_learning.frozen_layers(root, model, task.params.freeze):
        layer.trainable = False
    start = keras.initializers.GlorotUniform(seed=_SEED)
    last = keras.layers.Dense(len(task.photographs.classes), kernel_initializer=start, name="new")
    return keras.Model(model.input, last(model.layers[-2].output))


def _pixels(
    root: Network, photographs: Photographs, settings: WorkerSettings, places: NDArray[np.int32]
) -> NDArray[np.float32]:
    view = View(root.input_size, "crop", root.resize, root.interpolation)
    read, limits = photographs.read, _limits(settings)
    views = [decode(read(place), (view,), limits).views[0] for place in places.tolist()]
    return np.asarray(root.preprocess(np.stack(views).astype(np.float32)))


if __name__ == "__main__":
    main()
