from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from support.small_vgg import SMALL_VGG
from vision.networks import transfer_learning
from vision.networks.efficientnet_lite0 import LITE0
from vision.networks.vgg import VGG16
from vision.networks.weights import WeightsError

if TYPE_CHECKING:
    from pathlib import Path

    from keras import Model
    from numpy.typing import NDArray

    from vision.networks.registry import Network


@pytest.fixture(scope="module")
def lite0() -> Model:
    """Load EfficientNet-Lite0 with its own weights, once."""
    model = LITE0.build("float32")
    LITE0.load(model, None)
    return model


@pytest.fixture(scope="module")
def vgg() -> Model:
    """Make a small VGG of made-up weights, once."""
    model = SMALL_VGG.build("float32")
    assert SMALL_VGG.randomise
    SMALL_VGG.randomise(model, 0)
    return model


def _pixels(network: Network) -> NDArray[np.float32]:
    shape = (2, network.input_size, network.input_size, 3)
    return np.asarray(network.preprocess(np.random.default_rng(0).uniform(0, 255, shape).astype(np.float32)))


def _assert_whole(network: Network, model: Model, freeze: int) -> None:
    """Check that backbone and head, with the network's own last layer, say what the network says."""
    cut = transfer_learning.cut_of(network, freeze)
    backbone = transfer_learning.backbone(model, cut)
    head = transfer_learning.head(model, cut, len(model.layers[-1].get_weights()[1]), "float32")
    transfer_learning.copy_weights(model, head, last=True)
    assert backbone.output.shape[1:] == head.input.shape[1:] == cut.shape
    pixels = _pixels(network)
    said = head(backbone(pixels, training=False), training=False)
    expected = np.asarray(model(pixels, training=False))
    np.testing.assert_allclose(said, expected, atol=1e-5 * np.abs(expected).max())


@pytest.mark.parametrize("freeze", range(16))
def test_two_parts_of_vgg(vgg: Model, freeze: int) -> None:
    """Wherever VGG is cut, its two parts say what the whole says."""
    _assert_whole(SMALL_VGG, vgg, freeze)


@pytest.mark.parametrize("freeze", [0, 1, 3, 6, 21, 45, 48, 49])
def test_two_parts_of_lite0(lite0: Model, freeze: int) -> None:
    """Wherever EfficientNet-Lite0 is cut, its two parts say what the whole says."""
    _assert_whole(LITE0, lite0, freeze)


def test_the_backbone_is_the_networks_own(vgg: Model) -> None:
    """A backbone has the network's very layers, so that nothing is held twice."""
    backbone = transfer_learning.backbone(vgg, transfer_learning.cut_of(SMALL_VGG, 10))
    ours = {id(variable) for variable in vgg.variables}
    assert len(backbone.variables) == 20
    assert all(id(variable) in ours for variable in backbone.variables)


def test_the_whole_head_is_vgg16(vgg: Model) -> None:
    """The head of VGG16 from its default cut has the kernels of its table, and a new last layer."""
    head = transfer_learning.head(VGG16.build("float32"), transfer_learning.cut_of(VGG16, None), 5, "float32", seed=1)
    kernels = {layer.name: tuple(layer.kernel.shape) for layer in head.layers if layer.weights}
    assert kernels == {"fc1": (25088, 4096), "fc2": (4096, 4096), "predictions": (4096, 5)}
    again = transfer_learning.head(vgg, transfer_learning.cut_of(SMALL_VGG, None), 5, "float32", seed=1)
    transfer_learning.copy_weights(vgg, again)
    np.testing.assert_array_equal(again.get_layer("fc2").get_weights()[0], vgg.get_layer("fc2").get_weights()[0])
    other = transfer_learning.head(vgg, transfer_learning.cut_of(SMALL_VGG, None), 5, "float32", seed=1)
    np.testing.assert_array_equal(again.layers[-1].get_weights()[0], other.layers[-1].get_weights()[0])


@pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy:DeprecationWarning")  # Keras 3.15
@pytest.mark.filterwarnings("ignore:Skipping nested container:UserWarning")  # Keras's, before it refuses a file
def test_what_is_saved_is_loaded(vgg: Model, lite0: Model, tmp_path: Path) -> None:
    """A head's file fills another head of the same place, in any number format, and no other."""
    for network, model, freeze in ((SMALL_VGG, vgg, 11), (LITE0, lite0, 46)):
        cut = transfer_learning.cut_of(network, freeze)
        head = transfer_learning.head(model, cut, 4, "float32", seed=3)
        transfer_learning.copy_weights(model, head)
        head.save(tmp_path / "model.keras")
        same = transfer_learning.head(model, cut, 4, "float32")
        transfer_learning.load_head(same, tmp_path / "model.keras")
        for loaded, saved in zip(same.get_weights(), head.get_weights(), strict=True):
            np.testing.assert_array_equal(loaded, saved)
        low = transfer_learning.head(model, cut, 4, "bfloat16")
        transfer_learning.load_head(low, tmp_path / "model.keras")
        for wrong in (
            transfer_learning.head(model, cut, 5, "float32"),
            transfer_learning.head(model, transfer_learning.cut_of(network, freeze - 5), 4, "float32"),
        ):
            with pytest.raises(WeightsError, match="does not fit the fine-tuned network"):
                transfer_learning.load_head(wrong, tmp_path / "model.keras")


def test_no_file_of_a_head(vgg: Model, tmp_path: Path) -> None:
    """A file that is none is told from one that is not there."""
    head = transfer_learning.head(vgg, transfer_learning.cut_of(SMALL_VGG, 15), 2, "float32")
    with pytest.raises(FileNotFoundError):
        transfer_learning.load_head(head, tmp_path / "absent.keras")
    (tmp_path / "model.keras").write_bytes(b"PK nothing")
    with pytest.raises(WeightsError):
        transfer_learning.load_head(head, tmp_path / "model.keras")


def test_frozen_layers_of_a_head(lite0: Model) -> None:
    """Layers that are frozen behind the cut are named with their batch-norms; the last layer never is."""
    head = transfer_learning.head(lite0, transfer_learning.cut_of(LITE0, 46), 3, "float32")
    assert [layer.name for layer in transfer_learning.frozen_layers(LITE0, head, 46)] == [
        "block16_expand",
        "block16_expand_norm",
    ]
    every = transfer_learning.frozen_layers(LITE0, lite0, 50)
    assert {"stem_norm", "head"} <= {layer.name for layer in every}
    assert "logits" not in {layer.name for layer in every}
