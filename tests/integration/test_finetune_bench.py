"""What `bench --finetune` makes where nothing is given: weights that can be learned on, and photographs."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from benchmarks import finetuning as bench
from benchmarks.crops import crops
from benchmarks.spread import spread
from support.images import encoded, noise
from support.small_vgg import LAYERS, SIDE, SMALL_VGG
from vision import layout
from vision.networks import VGG16
from vision.vgg import load

if TYPE_CHECKING:
    from pathlib import Path

    import keras

assert VGG16.weights
WEIGHTS = replace(VGG16.weights, layers=LAYERS)


def _load(model: keras.Model, path: Path | None) -> None:
    load(model, path, WEIGHTS)


NETWORK = replace(SMALL_VGG, weights=WEIGHTS, load=_load)


def test_spread(tmp_path: Path) -> None:
    """Behind each layer but for its ReLU, every channel that lives has the mean 0 and the variance 1."""
    import keras  # noqa: PLC0415 - not when tests are collected

    pixels = np.random.default_rng(0).normal(20, 70, (24, SIDE, SIDE, 3)).astype(np.float32)
    found = spread(NETWORK, pixels, tmp_path / "spread.h5")
    assert (found.origin, found.path) == ("random", tmp_path / "spread.h5")
    assert layout.seed_of(found.path) is not None
    model = NETWORK.build("float32")
    _load(model, found.path)
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


def test_crops(tmp_path: Path) -> None:
    """As many crops of each photograph, all different, and the same ones each time."""
    for name, size in {"a": (80, 60), "b": (40, 90)}.items():
        (tmp_path / f"{name}.png").write_bytes(encoded(noise(size), "PNG"))
    (tmp_path / "notes.txt").write_text("no photograph")
    made = crops(tmp_path, 9)
    assert made.classes == ("a", "b")
    assert [each.label for each in made.photographs] == [0, 1, 0, 1, 0, 1, 0, 1, 0]
    assert len({each.sha256 for each in made.photographs}) == 9
    assert made.sha256 == crops(tmp_path, 9).sha256
    (tmp_path / "b.png").unlink()
    with pytest.raises(ValueError, match="has 1 photographs, and 2 to 100 are wanted"):
        crops(tmp_path, 9)
    with pytest.raises(ValueError, match="cannot be read"):
        crops(tmp_path / "nowhere", 9)


def test_without_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """A network whose weights are not here is measured with made-up ones, the same on both sides, and learns."""
    monkeypatch.setenv("BESTGUESS_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    monkeypatch.setenv("BESTGUESS_PRECISION", "float32")
    monkeypatch.setattr(bench, "NETWORKS", {"small-vgg": NETWORK})
    for name, colour in {"dark": 20, "light": 200}.items():
        picture = Image.blend(noise((64, 64), seed=colour), Image.new("RGB", (64, 64), 3 * (colour,)), 0.8)
        (tmp_path / f"{name}.png").write_bytes(encoded(picture, "PNG"))
    sizes = ["--images", "60", "--epochs", "30", "--photos", str(tmp_path)]
    monkeypatch.setattr("sys.argv", ["bench", "--json", "--base", "small-vgg", *sizes])
    bench.main()
    measured = json.loads(capsys.readouterr().out)
    assert measured["weights"] == "random"
    assert measured["data"] == {"name": "crops", "train": 48, "validation": 12}
    accuracy = measured["bestguess"]["validation_accuracy"]
    assert accuracy == pytest.approx(measured["plain"]["validation_accuracy"])
    assert accuracy > 2 / 3  # of two classes: by chance it is a half
