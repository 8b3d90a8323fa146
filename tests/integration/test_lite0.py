from __future__ import annotations

import pickle
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image

from vision.networks import efficientnet_lite0
from vision.networks.efficientnet_lite0 import LITE0, Lite0WeightsError, packaged, read_weights, verify

if TYPE_CHECKING:
    import keras

DATA = Path(__file__).parents[2].parent / "shared" / "data"
KINDS = {"Conv2D": "convolution", "DepthwiseConv2D": "depthwise convolution", "Dense": "dense"}

needs_photos = pytest.mark.skipif(not DATA.is_dir(), reason="the photographs of ../shared/data are not here")


def _loaded(dtype: str) -> keras.Model:
    model = efficientnet_lite0.build(dtype)
    efficientnet_lite0.load(model, None)
    return model


@pytest.fixture(scope="module")
def model() -> keras.Model:
    """Build the network once, with its real weights."""
    return _loaded("float32")


def photograph(name: str) -> np.ndarray[Any, Any]:
    """Cut the middle 224 pixels from a photograph whose shorter side is 256."""
    with Image.open(DATA / "photos" / name) as file:
        image = file.convert("RGB")
    scale = 256 / min(image.size)
    image = image.resize((round(image.width * scale), round(image.height * scale)), Image.Resampling.BICUBIC)
    left, top = (image.width - 224) // 2, (image.height - 224) // 2
    return np.asarray(image.crop((left, top, left + 224, top + 224)), np.float32)[None]


def guesses(model: keras.Model, name: str) -> list[tuple[str, float]]:
    """Return the five best labels of a photograph with their probabilities, best first."""
    rows = (DATA / "imagenet_classes.tsv").read_text(encoding="utf-8").splitlines()[1:]
    labels = [row.split("\t")[2] for row in rows]
    logits = np.asarray(model(efficientnet_lite0.preprocess(photograph(name)), training=False), np.float32)[0]
    scores = np.exp(logits - logits.max()) / np.exp(logits - logits.max()).sum()
    return [(labels[index], float(scores[index])) for index in scores.argsort()[::-1][:5]]


def test_importing_the_network_loads_no_framework() -> None:
    """Whoever only wants the table of layers does not wait for TensorFlow."""
    code = "import sys, vision.networks.efficientnet_lite0\n"
    code += "sys.exit(any(name in sys.modules for name in ('tensorflow', 'keras', 'torch')))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_parameters_are_counted(model: keras.Model) -> None:
    """The table, the batch-norms' scales and shifts included, counts what Keras could train."""
    assert sum(layer.parameters for layer in LITE0.layers) == 4_652_008
    assert sum(variable.value.shape.num_elements() for variable in model.trainable_variables) == 4_652_008


def test_the_table_is_the_model(model: keras.Model) -> None:
    """Each layer of the table is Keras's layer of that name: kind, kernel, output and parameters, in order."""
    weighted = [layer for layer in model.layers if type(layer).__name__ in KINDS]
    assert [layer.name for layer in weighted] == [layer.name for layer in LITE0.layers]
    for layer, described in zip(weighted, LITE0.layers, strict=True):
        learned = [*layer.trainable_variables]
        if described.kind != "dense":
            learned += model.get_layer(f"{layer.name}_norm").trainable_variables
        assert KINDS[type(layer).__name__] == described.kind
        assert tuple(layer.kernel.shape) == described.kernel
        assert layer.output.shape[1:] == described.output
        assert sum(variable.value.shape.num_elements() for variable in learned) == described.parameters


def test_every_kernel_is_filled(model: keras.Model) -> None:
    """Loading leaves no kernel as it was built, which is all zeros."""
    assert all(np.any(model.get_layer(layer.name).kernel) for layer in LITE0.layers)


@needs_photos
def test_coffee_is_espresso(model: keras.Model) -> None:
    """A cup of coffee is an espresso, at about 0.95."""
    label, score = guesses(model, "coffee.png")[0]
    assert label == "espresso"
    assert score == pytest.approx(0.951, abs=0.005)


@needs_photos
def test_a_cat_is_a_cat(model: keras.Model) -> None:
    """A tabby is one of the three house cats of ImageNet, in the order that this network is known for."""
    assert [label for label, _ in guesses(model, "chelsea.png")[:3]] == ["tiger_cat", "Egyptian_cat", "tabby"]


@needs_photos
def test_a_rocket_is_a_missile(model: keras.Model) -> None:
    """A rocket is a missile first, as ImageNet has no rockets, and a space shuttle among the first five."""
    labels = [label for label, _ in guesses(model, "rocket.jpg")]
    assert labels[0] == "missile"
    assert "space_shuttle" in labels


@needs_photos
@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_lower_precision_says_the_same(dtype: str) -> None:
    """In half the bits the network still answers alike, and returns logits of that precision."""
    half = _loaded(dtype)
    label, score = guesses(half, "coffee.png")[0]
    assert half.output.dtype == dtype
    assert label == "espresso"
    assert score == pytest.approx(0.951, abs=0.02)


def test_pixels_are_centred() -> None:
    """Pixels become (pixel - 127) / 128, in float32."""
    found = efficientnet_lite0.preprocess(np.array([[0, 127, 255]], np.float32))
    assert found.dtype == np.float32
    assert found.tolist() == [[-0.9921875, 0, 1]]


def test_an_unknown_dtype_is_refused() -> None:
    """A dtype that Keras does not have is an error of its own."""
    with pytest.raises(ValueError, match="float7"):
        efficientnet_lite0.build("float7")


def test_the_packaged_file_is_verified(tmp_path: Path) -> None:
    """A file whose SHA-256 is not the published one is refused, with what to do about it."""
    path = tmp_path / "changed.pth"
    path.write_bytes(b"changed")
    with pytest.raises(Lite0WeightsError, match=r"SHA-256 .*reinstall"):
        verify(path)


def test_other_weights_leave_the_model_alone(model: keras.Model, tmp_path: Path) -> None:
    """A torch file that lacks a tensor is refused by the tensor's name, before anything is changed."""
    path = tmp_path / "other.pth"
    before = model.get_layer("stem").get_weights()[0]
    header = (119547037146038801333356, 1001, {"little_endian": True})
    path.write_bytes(b"".join(pickle.dumps(part, 2) for part in (*header, {}, [])))
    with pytest.raises(Lite0WeightsError, match=r"other\.pth lacks '_conv_stem\.weight'"):
        efficientnet_lite0.load(model, path)
    assert np.array_equal(model.get_layer("stem").get_weights()[0], before)


def test_a_tensor_of_another_shape_is_refused() -> None:
    """A kernel that does not fit its layer is refused with both shapes."""
    wider = replace(LITE0.layers[0], kernel=(5, 5, 3, 32))
    with pytest.raises(Lite0WeightsError, match=r"stem needs .*\(32, 3, 5, 5\).*\(32, 3, 3, 3\)"):
        read_weights([wider], packaged())
