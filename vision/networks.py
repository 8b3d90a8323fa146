"""The table of pretrained networks: what each expects, how it is built, and where its weights are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from vision import lite0, vgg

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from vision.layers import Layer
    from vision.weights import FoundWeights, WeightsFile

Interpolation = Literal["bilinear", "bicubic"]


@dataclass(frozen=True, slots=True)
class Network:
    """A pretrained classifier of the 1,000 ImageNet classes.

    `input_size` is the side in pixels of the square that it sees, and `resize` the length that the shorter side of a
    photo is brought to before that square is cut from its centre.

    `build(dtype)` makes an uninitialised Keras model from float pixels to logits; `preprocess` turns a float32 tensor
    (batch, height, width, RGB in 0 to 255) into what that model was trained on; `load(model, path)` fills in weights
    from a file; `randomise(model, seed)` makes them up. All four import Keras when they are called.

    `weights` is the file to look for and to fetch; `carried()` names the one that an installed package carries.
    """

    id: str
    title: str
    about: str
    input_size: int
    resize: int
    interpolation: Interpolation
    preprocessing: str
    layers: tuple[Layer, ...]
    weights: WeightsFile | None
    build: Callable[[str], Any]
    preprocess: Callable[[Any], Any]
    load: Callable[[Any, Path | None], None]
    randomise: Callable[[Any, int], None] | None = None
    carried: Callable[[], FoundWeights] | None = None

    @property
    def parameters(self) -> int:
        """How many numbers the network has learned."""
        return sum(layer.parameters for layer in self.layers)


VGG16 = Network(
    id="vgg16",
    title="VGG16",
    about="Simonyan and Zisserman 2014, https://arxiv.org/abs/1409.1556; 71.3 % top-1 on ImageNet (Keras's table)",
    input_size=224,
    resize=256,
    interpolation="bilinear",
    preprocessing="RGB to BGR, minus the channel means 103.939, 116.779, 123.68",
    layers=vgg.VGG16_LAYERS,
    weights=vgg.VGG16_WEIGHTS,
    build=vgg.build_vgg16,
    preprocess=vgg.preprocess,
    load=vgg.load,
    randomise=vgg.randomise,
)

LITE0 = Network(
    id="efficientnet-lite0",
    title="EfficientNet-Lite0",
    about="Liu and Tan 2020, of the EfficientNet family, https://arxiv.org/abs/1905.11946; 75.1 % top-1 on ImageNet "
    "(its authors)",
    input_size=224,
    resize=256,
    interpolation="bicubic",
    preprocessing="(pixel - 127) / 128",
    layers=lite0.LAYERS,
    weights=None,
    build=lite0.build,
    preprocess=lite0.preprocess,
    load=lite0.load,
    carried=lite0.carried,
)

NETWORKS = {network.id: network for network in (VGG16, LITE0)}
