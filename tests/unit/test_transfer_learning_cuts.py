"""Where networks can be cut, by their tables alone."""

import subprocess
import sys

import pytest

from vision.networks import transfer_learning
from vision.networks.efficientnet_lite0 import LITE0
from vision.networks.vgg import VGG16


@pytest.mark.parametrize(
    ("freeze", "layer", "frozen", "shape"),
    [
        (0, "pixels", 0, (224, 224, 3)),
        (1, "block1_conv1", 1, (224, 224, 64)),
        (2, "block1_pool", 2, (112, 112, 64)),
        (10, "block4_pool", 10, (14, 14, 512)),
        (12, "block5_conv2", 12, (14, 14, 512)),
        (13, "block5_pool", 13, (7, 7, 512)),
        (None, "block5_pool", 13, (7, 7, 512)),
        (14, "fc1", 14, (4096,)),
        (15, "fc2", 15, (4096,)),
        (16, "fc2", 15, (4096,)),
    ],
)
def test_vgg_is_cut_anywhere(freeze: int | None, layer: str, frozen: int, shape: tuple[int, ...]) -> None:
    """VGG is cut behind any of its layers, or the pool that follows it; the last layer is always a new one."""
    assert transfer_learning.cut_of(VGG16, freeze) == transfer_learning.Cut(layer, frozen, shape)


@pytest.mark.parametrize(
    ("freeze", "layer", "frozen"),
    [
        (0, "pixels", 0),
        (1, "stem_relu6", 1),
        (2, "stem_relu6", 1),
        (3, "block1_project_norm", 3),
        (9, "block3_add", 9),
        (None, "block15_add", 45),
        (48, "block16_project_norm", 48),
        (49, "pool", 49),
        (50, "pool", 49),
    ],
)
def test_lite0_is_cut_between_its_blocks(freeze: int | None, layer: str, frozen: int) -> None:
    """Inside a block two tensors go on, so that the cut is before it; by default all but three layers are frozen."""
    cut = transfer_learning.cut_of(LITE0, freeze)
    assert (cut.layer, cut.frozen) == (layer, frozen)
    assert transfer_learning.cut_named(LITE0, layer) == cut


def test_what_a_network_does_not_have() -> None:
    """Freezing more layers than there are, or cutting inside a block, is refused with what can be done."""
    with pytest.raises(ValueError, match="VGG16 has 16 weight layers: freeze 0 to 16 of them"):
        transfer_learning.cut_of(VGG16, 17)
    with pytest.raises(ValueError, match="cannot be cut behind 'block2_expand'"):
        transfer_learning.cut_named(LITE0, "block2_expand")


def test_places_are_known_without_keras() -> None:
    """Whoever only wants to know the places does not wait for TensorFlow."""
    code = (
        "import sys; from vision.networks import transfer_learning, vgg; transfer_learning.cut_of(vgg.VGG16, 3);"
        "print(sorted({'keras', 'tensorflow'} & sys.modules.keys()))"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
