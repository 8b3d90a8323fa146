"""VGG16 and VGG-19: their layers, their official weights files, and the Keras models that both belong to."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np

from vision.networks import keras_h5, layers, random_weights
from vision.networks.keras_h5 import LayoutError
from vision.networks.weights import WeightsError, WeightsFile

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    import keras
    import tensorflow as tf

    from vision.networks.keras_h5 import LayerWeights
    from vision.networks.layers import Layer

_SIDE = 224
# Convolutions and channels of each block; 3 by 3, and a pool behind each block that halves the sides
# (configurations D and E in table 1 of https://arxiv.org/abs/1409.1556).
_VGG16_BLOCKS = ((2, 64), (2, 128), (3, 256), (3, 512), (3, 512))
_VGG19_BLOCKS = ((2, 64), (2, 128), (4, 256), (4, 512), (4, 512))
_UNITS = {"fc1": 4096, "fc2": 4096, "predictions": 1000}
# Of ImageNet's training pictures, blue first as Caffe has it (keras.applications.imagenet_utils, mode "caffe").
_CHANNEL_MEANS = np.array([103.939, 116.779, 123.68], np.float32)


def _layers(blocks: Iterable[tuple[int, int]]) -> Iterator[Layer]:
    """Spell a VGG network out of its blocks, under Keras's names."""
    side, inputs = _SIDE, 3
    for block, (convolutions, channels) in enumerate(blocks, start=1):
        for number in range(1, convolutions + 1):
            yield layers.convolution(f"block{block}_conv{number}", 3, inputs, channels, side)
            inputs = channels
        side //= 2
    inputs *= side * side
    for name, units in _UNITS.items():
        yield layers.dense(name, inputs, units)
        inputs = units


VGG16_LAYERS = tuple(_layers(_VGG16_BLOCKS))
VGG19_LAYERS = tuple(_layers(_VGG19_BLOCKS))

VGG16_WEIGHTS = WeightsFile(
    name="vgg16_weights_tf_dim_ordering_tf_kernels.h5",
    size=553_467_096,
    md5="64373286793e3c8b2b4e3219cbf3544b",
    url_path="keras-applications/vgg16/vgg16_weights_tf_dim_ordering_tf_kernels.h5",
    layers=VGG16_LAYERS,
    network="vgg16",
)

VGG19_WEIGHTS = WeightsFile(
    name="vgg19_weights_tf_dim_ordering_tf_kernels.h5",
    size=574_710_816,
    md5="cbe5617147190e668d6c5d5026f83318",
    url_path="keras-applications/vgg19/vgg19_weights_tf_dim_ordering_tf_kernels.h5",
    layers=VGG19_LAYERS,
    network="vgg19",
    has_path=False,
)


def build_vgg16(dtype: str) -> keras.Model:
    """Make the network: preprocessed pixels (batch, 224, 224, 3) to logits (batch, 1000) in the policy's compute dtype.

    `dtype` is a Keras dtype policy, such as `float32`, `bfloat16` or `mixed_float16`. Weights are whatever Keras starts
    with until `load` or `randomise`. Raises ValueError where Keras has no such policy.
    """
    import keras  # noqa: PLC0415 - seconds, and only whoever runs a network needs it

    with _policy(dtype):
        return keras.applications.VGG16(weights=None, classifier_activation=None)


def build_vgg19(dtype: str) -> keras.Model:
    """Make the deeper network, as `build_vgg16` does."""
    import keras  # noqa: PLC0415 - as above

    with _policy(dtype):
        return keras.applications.VGG19(weights=None, classifier_activation=None)


def preprocess(pixels: tf.Tensor) -> tf.Tensor:
    """Turn float32 pixels (batch, height, width, RGB in 0 to 255) to BGR and take the channel means off."""
    return pixels[..., ::-1] - _CHANNEL_MEANS


def load(model: keras.Model, path: Path | None, file: WeightsFile = VGG16_WEIGHTS) -> None:
    """Fill a model of one of these networks, the one that `file` is of, from a file in Keras's legacy HDF5 layout.

    Raises:
        WeightsError: no path is given, or the file does not fit; the model may then be filled in part.
    """
    if path is None:
        raise WeightsError(f"{file.name}: not here, and no package carries it. Run `{file.command('fetch')}`.")
    try:
        _fill(model, keras_h5.read(path, file.layers))
    except LayoutError as error:
        raise WeightsError(f"{path}: {error}. `{file.command('status')}` says what to do.") from error


def load_vgg19(model: keras.Model, path: Path | None) -> None:
    """Fill a model of `build_vgg19`, as `load` does."""
    load(model, path, VGG19_WEIGHTS)


def randomise(model: keras.Model, seed: int) -> None:
    """Fill a model of `build_vgg16` with the numbers that `write_random` puts into a file for the same seed."""
    _fill(model, random_weights.draw(VGG16_LAYERS, seed))


def randomise_vgg19(model: keras.Model, seed: int) -> None:
    """Fill a model of `build_vgg19`, likewise."""
    _fill(model, random_weights.draw(VGG19_LAYERS, seed))


def _fill(model: keras.Model, weights: Iterable[LayerWeights]) -> None:
    for name, kernel, bias in weights:
        model.get_layer(name).set_weights([kernel, bias])


@contextmanager
def _policy(dtype: str) -> Iterator[None]:
    """Set Keras's global policy for a while: keras.applications takes no dtype. Keras keeps one for each thread."""
    import keras  # noqa: PLC0415 - as above

    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(dtype)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)
