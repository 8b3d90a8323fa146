"""Networks of keras.applications: how they are built, and filled from an official weights file or from a seed."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np

from vision.networks import keras_h5, random_weights
from vision.networks.graph import residual_norms
from vision.networks.keras_h5 import LayoutError
from vision.networks.table import LayerShapes
from vision.networks.weights import WeightsError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    import keras
    import tensorflow as tf

    from vision.networks.keras_h5 import LayerWeights
    from vision.networks.weights import WeightsFile

# Of ImageNet's training pictures, blue first as Caffe has it (keras.applications.imagenet_utils, mode "caffe").
_CHANNEL_MEANS = np.array([103.939, 116.779, 123.68], np.float32)
CAFFE = "RGB to BGR, minus the channel means 103.939, 116.779, 123.68"


def caffe(pixels: tf.Tensor) -> tf.Tensor:
    """Turn float32 pixels (batch, height, width, RGB in 0 to 255) to BGR and take the channel means off."""
    return pixels[..., ::-1] - _CHANNEL_MEANS


def builder(name: str) -> Callable[[str], keras.Model]:
    """Return what makes a network of keras.applications, by its name there.

    It makes preprocessed pixels to logits (batch, 1000) in a Keras dtype policy, such as `float32`, `bfloat16` or
    `mixed_float16`. Weights are whatever Keras starts with until they are loaded or made up. It raises ValueError where
    Keras has no such policy.
    """

    def build(dtype: str) -> keras.Model:
        import keras  # noqa: PLC0415 - seconds, and only whoever runs a network needs it

        with _policy(dtype):
            return getattr(keras.applications, name)(weights=None, classifier_activation=None)

    return build


def loader(file: WeightsFile) -> Callable[[keras.Model, Path | None], None]:
    """Return what fills a network's model from a file in Keras's legacy HDF5 layout.

    It raises WeightsError where no path is given, or where the file does not fit; the model may then be filled in part.
    """

    def load(model: keras.Model, path: Path | None) -> None:
        if path is None:
            raise WeightsError(f"{file.name}: not here, and no package carries it. Run `{file.command('fetch')}`.")
        try:
            _fill(model, keras_h5.read(path, stored(model)))
        except LayoutError as error:
            raise WeightsError(f"{path}: {error}. `{file.command('status')}` says what to do.") from error

    return load


def randomise(model: keras.Model, seed: int) -> None:
    """Fill a model with the numbers that `write_random` puts into a file of it for the same seed."""
    _fill(model, random_weights.draw(stored(model), seed))


def stored(model: keras.Model) -> tuple[LayerShapes, ...]:
    """List the arrays that each layer of a model stores."""
    residual = residual_norms(model)
    return tuple(
        LayerShapes(
            layer.name, {variable.name: tuple(variable.shape) for variable in layer.weights}, layer.name in residual
        )
        for layer in model.layers
        if layer.weights
    )


def _fill(model: keras.Model, weights: Iterable[LayerWeights]) -> None:
    for name, arrays in weights:
        model.get_layer(name).set_weights(list(arrays.values()))


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
