"""The fine-tuning benchmark where the official weights are absent."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from benchmarks.finetuning import compare, normalised_weights
from benchmarks.photos import dataset
from jobs.settings import WorkerSettings
from support.images import encoded, noise
from support.small_vgg import SIDE, SMALL_VGG
from vision.networks import applications, keras_h5
from vision.networks.vgg import VGG16

if TYPE_CHECKING:
    from pathlib import Path


assert VGG16.weights
WEIGHTS = replace(VGG16.weights, contents=SMALL_VGG.table.stored)


NETWORK = replace(SMALL_VGG, weights=WEIGHTS, load=applications.loader(WEIGHTS))


def test_normalised_weights(tmp_path: Path) -> None:
    """Behind each layer but for its ReLU, every channel that lives has the mean 0 and the variance 1."""
    import keras  # noqa: PLC0415 - not when tests are collected

    pixels = np.random.default_rng(0).normal(20, 70, (24, SIDE, SIDE, 3)).astype(np.float32)
    found = normalised_weights(NETWORK, pixels, tmp_path / "random.h5")
    assert (found.origin, found.path) == ("random", tmp_path / "random.h5")
    assert keras_h5.seed_of(found.path) is not None
    model = NETWORK.build("float32")
    applications.loader(WEIGHTS)(model, found.path)
    for name in ("block1_conv1", "block3_conv2", "block5_conv3", "fc1", "predictions"):
        layer = model.get_layer(name)
        layer.activation = keras.activations.linear
        outputs = np.asarray(keras.Model(model.input, layer.output)(pixels))
        layer.activation = keras.activations.relu
        axes = tuple(range(outputs.ndim - 1))
        np.testing.assert_allclose(outputs.mean(axes), 0, atol=1e-3)
        deviation = outputs.std(axes)
        assert np.all((np.abs(deviation - 1) < 1e-3) | (deviation < 1e-3))
        assert np.mean(deviation > 1e-3) > 0.5


def test_without_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A network whose weights are not here is measured with random ones, the same on both sides, and learns."""
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    for name, colour in {"dark": 20, "light": 200}.items():
        picture = Image.blend(noise((64, 64), seed=colour), Image.new("RGB", (64, 64), 3 * (colour,)), 0.8)
        (tmp_path / f"{name}.png").write_bytes(encoded(picture, "PNG"))
    settings = WorkerSettings(data_dir=tmp_path / "data", precision="float32")
    measured = compare(NETWORK, dataset(tmp_path, 60), settings, epochs=30, freeze=None)
    assert measured["weights"] == "random"
    assert measured["data"] == {"name": "crops", "train": 48, "validation": 12}
    accuracy = measured["bestguess"]["validation_accuracy"]
    assert accuracy == pytest.approx(measured["plain"]["validation_accuracy"])
    assert accuracy > 2 / 3  # of two classes: by chance it is a half
