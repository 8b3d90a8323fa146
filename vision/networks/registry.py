"""The table of pretrained networks: what each expects, how it is built, and where its weights are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from vision.networks import efficientnet_lite0, vgg
from vision.networks.labels import imagenet_labels

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from vision.networks.labels import Label
    from vision.networks.layers import Layer
    from vision.networks.weights import FoundWeights, WeightsFile

Interpolation = Literal["bilinear", "bicubic"]


@dataclass(frozen=True, slots=True)
class Network:
    """A classifier, pretrained on the 1,000 ImageNet classes or trained here.

    `input_size` is the side in pixels of the square that it sees, and `resize` the length that the shorter side of a
    photo is brought to before that square is cut from its centre. `channels` is 3 for RGB; a network of digits sees 1,
    and its pictures are brought to its convention instead (`fit` is "digit", see `vision.digits.preprocess`).
    `labels()` are its classes, in the order of its outputs.

    `build(dtype)` makes an uninitialised Keras model from float pixels to logits; `preprocess` turns a float32 tensor
    (batch, height, width, channels in 0 to 255) into what that model was trained on; `load(model, path)` fills in
    weights from a file; `randomise(model, seed)` makes them up. All four import Keras when they are called.

    `gains_from_16_bits` says whether bfloat16 and float16 are faster where a device has instructions for them: wide
    convolutions are; depthwise ones move more numbers than they multiply, and lose by the conversions.

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
    gains_from_16_bits: bool
    randomise: Callable[[Any, int], None] | None = None
    carried: Callable[[], FoundWeights] | None = None
    channels: int = 3
    fit: Literal["digit"] | None = None
    labels: Callable[[], Sequence[Label]] = imagenet_labels

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
    gains_from_16_bits=True,
    randomise=vgg.randomise,
)

VGG19 = Network(
    id="vgg19",
    title="VGG-19",
    about="Simonyan and Zisserman 2014, https://arxiv.org/abs/1409.1556; 71.3 % top-1 on ImageNet (Keras's table)",
    input_size=224,
    resize=256,
    interpolation="bilinear",
    preprocessing=VGG16.preprocessing,
    layers=vgg.VGG19_LAYERS,
    weights=vgg.VGG19_WEIGHTS,
    build=vgg.build_vgg19,
    preprocess=vgg.preprocess,
    load=vgg.load_vgg19,
    gains_from_16_bits=True,
    randomise=vgg.randomise_vgg19,
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
    layers=efficientnet_lite0.LAYERS,
    weights=None,
    build=efficientnet_lite0.build,
    preprocess=efficientnet_lite0.preprocess,
    load=efficientnet_lite0.load,
    gains_from_16_bits=False,
    carried=efficientnet_lite0.carried,
)

NETWORKS = {network.id: network for network in (VGG16, LITE0, VGG19)}
