"""EfficientNet-Lite0 in Keras, the network that answers where VGG16's weights cannot be had."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vision.lite0_layers import BLOCKS, HEAD, LAYERS, LOGITS, SIDE, STEM
from vision.lite0_weights import SHA256, packaged, read_weights
from vision.weights import FoundWeights

if TYPE_CHECKING:
    from pathlib import Path

    import keras
    import tensorflow as tf

    from vision.layers import Layer
    from vision.lite0_layers import Block

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
