"""Fine-tuning learns what plain Keras code learns: `layer.trainable = False`, `compile`, `fit`."""

from __future__ import annotations

import importlib
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import pytest

from bestguess.schemas.job_params import FinetuneParams
from support.photo_datasets import room, stripes
from support.small_vgg import SMALL_VGG
from vision.decode.images import Limits, View, decode
from vision.networks import transfer_learning
from vision.networks.vgg import VGG16
from vision.networks.weights import FoundWeights
from worker.chance import order
from worker.checkpoint import Checkpoint
from worker.finetune.division import divide
from worker.finetune.network import Base
from worker.finetune.task import Task
from worker.finetune.telling import Telling
from worker.finetune.training import train

if TYPE_CHECKING:
    from pathlib import Path
    from types import ModuleType

    from keras import Model
    from numpy.typing import NDArray

    from jobs.datasets.photographs import Photographs
    from vision.networks.registry import Network
    from worker.finetune.task import Result

STEPS = 20
LIMITS = Limits(1_000_000, 100)
MADE_UP = FoundWeights(None, "random", None, verified=False, size=None)


@pytest.fixture(scope="module")
def keras() -> ModuleType:
    """Import Keras when the first of these tests runs, not when they are collected."""
    return importlib.import_module("keras")


def _ours(
    params: FinetuneParams, photographs: Photographs, folder: Path, network: Network
) -> tuple[list[float], Result]:
    losses: list[float] = []
    task = Task(params, Base(network, MADE_UP), photographs)
    telling = Telling(lambda *_: None, lambda: False)
    result = train(task, room(folder), telling, Checkpoint(folder), losses.extend)
    return losses, result


def _whole(keras: ModuleType, network: Network, freeze: int, classes: int, seed: int) -> Model:
    """Do as the tutorial does: freeze the first layers, and put a new last one in the old one's place."""
    base = network.build("float32")
    assert network.randomise
    network.randomise(base, 0)
    weighted = [layer for layer in base.layers if layer.weights]
    for layer in weighted[:freeze]:
        layer.trainable = False
    start = keras.initializers.GlorotUniform(seed=seed)
    last = keras.layers.Dense(classes, kernel_initializer=start, name="new")
    return keras.Model(base.input, last(base.layers[-2].output))


def _pixels(photographs: Photographs, network: Network, places: NDArray[np.int32]) -> NDArray[np.float32]:
    view = View(network.input_size, "crop", network.resize, network.interpolation)
    views = [decode(photographs.read(place), (view,), LIMITS).views[0] for place in places.tolist()]
    return np.asarray(network.preprocess(np.stack(views).astype(np.float32)))


def _plain(keras: ModuleType, params: FinetuneParams, photographs: Photographs, network: Network) -> list[float]:
    """Train as anybody would, on the same photographs in the same order."""
    assert params.freeze is not None
    assert params.seed is not None
    division = divide(photographs.photographs, params.validation_split)
    model = _whole(keras, network, params.freeze, len(photographs.classes), params.seed)
    rate = params.learning_rate
    optimizer = keras.optimizers.SGD(rate, momentum=0.9) if params.optimizer == "sgd" else keras.optimizers.Adam(rate)
    model.compile(optimizer, keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    labels = np.asarray([photograph.label for photograph in photographs.photographs], np.int32)[division.train]
    pixels = _pixels(photographs, network, division.train)
    losses: list[float] = []

    class Each(keras.callbacks.Callback):  # type: ignore[misc, name-defined]
        def on_train_batch_end(self, batch: int, logs: dict[str, float]) -> None:
            seen.append((batch, logs["loss"]))

    for epoch in range(params.epochs):
        seen: list[tuple[int, float]] = []
        places = order(len(labels), params.seed, epoch)
        model.fit(
            pixels[places], labels[places], batch_size=params.batch_size, shuffle=False, verbose=0, callbacks=[Each()]
        )
        # Keras tells the mean over the epoch so far.
        sums = [0.0, *(mean * (batch + 1) for batch, mean in seen)]
        losses += [after - before for before, after in pairwise(sums)]
    return losses


def _assert_equal(keras: ModuleType, params: FinetuneParams, data: Photographs, folder: Path, network: Network) -> None:
    """Check that losses are plain Keras's, and that what is frozen keeps its weights, bit for bit."""
    ours, result = _ours(params, data, folder, network)
    theirs = _plain(keras, params, data, network)
    assert len(ours) == STEPS
    assert ours[-1] != ours[0]
    np.testing.assert_allclose(ours, theirs, atol=1e-4)
    untouched = network.build("float32")
    assert network.randomise
    network.randomise(untouched, 0)
    for layer in transfer_learning.frozen_layers(network, result.head, params.freeze):
        for kept, before in zip(layer.get_weights(), untouched.get_layer(layer.name).get_weights(), strict=True):
            np.testing.assert_array_equal(kept, before)
    if transfer_learning.freeze_of(network, params.freeze) < 15:
        learned = result.head.get_layer("fc2").get_weights()[0]
        assert np.abs(learned - untouched.get_layer("fc2").get_weights()[0]).max() > 0


@pytest.mark.parametrize(("freeze", "optimizer"), [(0, "sgd"), (10, "sgd"), (13, "sgd"), (15, "sgd"), (15, "adam")])
def test_losses_are_those_of_keras(keras: ModuleType, tmp_path: Path, freeze: int, optimizer: str) -> None:
    """The losses of the first steps are plain Keras's, and what is frozen keeps its weights, bit for bit."""
    asked = {"optimizer": optimizer, "freeze": freeze, "batch_size": 6, "epochs": 5, "seed": 7, "learning_rate": 0.001}
    params = FinetuneParams(dataset_id="ds_test", **asked)
    _assert_equal(keras, params, stripes(3, 10), tmp_path, SMALL_VGG)


@pytest.mark.whole
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("freeze", [0, 10, 13, 15])
def test_losses_of_the_whole_vgg16(keras: ModuleType, tmp_path: Path, freeze: int) -> None:
    """The same, of VGG16 as it is."""
    asked = {"freeze": freeze, "batch_size": 2, "epochs": 4, "seed": 7, "learning_rate": 1e-4, "validation_split": 0}
    params = FinetuneParams(dataset_id="ds_test", **asked)
    _assert_equal(keras, params, stripes(2, 5), tmp_path, VGG16)
