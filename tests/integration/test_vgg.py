from __future__ import annotations

import importlib
import threading
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from support.weights_files import write_official
from vision.networks import keras_h5
from vision.networks.applications import randomise
from vision.networks.vgg import VGG16
from vision.networks.weights import WeightsError

if TYPE_CHECKING:
    from pathlib import Path
    from types import ModuleType

    from keras import Model
    from numpy.typing import NDArray


@pytest.fixture(scope="module")
def keras() -> ModuleType:
    """Import Keras when the first of these tests runs, not when they are collected."""
    return importlib.import_module("keras")


@pytest.fixture(scope="module")
def model() -> Model:
    """Build VGG16 once, with random weights: 138 million numbers."""
    network = VGG16.build("float32")
    randomise(network, 0)
    return network


def _cut(path: Path) -> NDArray[np.float32]:
    """Cut a photograph as the service does: the shorter side to 256, then the centre."""
    with Image.open(path) as photo:
        picture = photo.convert("RGB")
    scale = 256 / min(picture.size)
    picture = picture.resize((round(picture.width * scale), round(picture.height * scale)))
    left, top = (picture.width - 224) // 2, (picture.height - 224) // 2
    return np.asarray(picture.crop((left, top, left + 224, top + 224)), np.float32)


def test_layers_are_those_of_keras(model: Model) -> None:
    """The table agrees with Keras's network: names, order, kernels, outputs, parameters, and their total."""
    weighted = [layer for layer in model.layers if layer.weights]
    found = [(each.name, tuple(each.kernel.shape), each.output.shape[1:], each.count_params()) for each in weighted]
    assert found == [(layer.name, layer.kernel, layer.output, layer.parameters) for layer in VGG16.layers]
    assert model.count_params() == sum(layer.parameters for layer in VGG16.layers) == 138_357_544


def test_logits_come_out(model: Model, keras: ModuleType) -> None:
    """The network ends in logits: its last layer has no softmax."""
    assert model.output.shape == (None, 1000)
    assert model.layers[-1].activation is keras.activations.linear


def test_dtype_is_the_networks_alone(keras: ModuleType) -> None:
    """A network of another precision leaves Keras's own policy as it was, and other threads never see it."""
    built: list[tuple[Model, str]] = []
    thread = threading.Thread(target=lambda: built.append((VGG16.build("bfloat16"), keras.config.dtype_policy().name)))
    thread.start()
    thread.join()
    network, policy_after = built[0]
    assert {layer.dtype_policy.name for layer in network.layers} == {"bfloat16"}
    assert {weight.dtype for weight in network.weights} == {"bfloat16"}
    assert (policy_after, keras.config.dtype_policy().name) == ("float32", "float32")


def test_unknown_dtype(keras: ModuleType) -> None:
    """A policy that Keras does not know is refused, and the one before stands."""
    with pytest.raises(ValueError, match="float7"):
        VGG16.build("float7")
    assert keras.config.dtype_policy().name == "float32"


def test_random_file(model: Model, random_weights: Path) -> None:
    """A file of random weights and weights made up in memory are the same numbers for the same seed."""
    for name, arrays in keras_h5.read(random_weights, VGG16.table.stored):
        for found, array in zip(model.get_layer(name).get_weights(), arrays.values(), strict=True):
            np.testing.assert_array_equal(found, array)


def test_random_weights_look_trained(model: Model, photos: Path, keras: ModuleType) -> None:
    """With random weights the logits of photographs spread as trained ones do, so that no softmax is ones and zeros."""
    paths = sorted(path for path in photos.iterdir() if path.suffix in {".png", ".jpg"})
    prepared = VGG16.preprocess(keras.ops.convert_to_tensor(np.stack([_cut(path) for path in paths])))
    logits = keras.ops.convert_to_numpy(model(prepared))
    spread = logits.std(axis=1)
    assert spread.min() > 2
    assert spread.max() < 4.5


def test_file_that_does_not_fit(model: Model, tmp_path: Path) -> None:
    """A file of another network is refused, with what is missing and what to do."""
    path = tmp_path / "small.h5"
    write_official(path, VGG16.table.stored[:2])
    with pytest.raises(WeightsError, match=r"small\.h5: 2 layers .* 16 are expected: block2_conv1, .* weights status"):
        VGG16.load(model, path)
