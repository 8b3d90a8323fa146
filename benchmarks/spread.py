"""Weights that nobody trained, and behind which photographs differ: for the benchmark, where the official ones are not.

To the weights of `vision.random_weights` all photographs are nearly alike, so that no last layers learn to tell them
apart, whoever trains them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from vision import layout
from vision.layout import LayerWeights
from vision.random_weights import RANDOM_SEED
from vision.weights import identify

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import keras
    from numpy.typing import NDArray

    from vision.networks import Network
    from vision.weights import FoundWeights

_LEAST = 1e-6  # a unit that is the same for every photograph is left as large as it is


def spread(root: Network, pixels: NDArray[np.float32], path: Path) -> FoundWeights:
    """Write random weights for a network of one chain, such as VGG16, set to photographs, into a new file.

    `pixels` (n, side, side, channels) are preprocessed. Layer by layer, each channel's outputs before the ReLU get the
    mean 0 and the variance 1 over the photographs (Krähenbühl et al. 2016, https://arxiv.org/abs/1511.06856): a
    channel then says in what photographs differ, and no longer what they have in common.

    Raises:
        OSError: the disk is full or refuses.
        ValueError: the network has no weights file, or none that can be made up.
    """
    if root.weights is None or root.randomise is None:
        raise ValueError(f"{root.title} has no weights that can be made up")
    model = root.build("float32")
    root.randomise(model, RANDOM_SEED)
    layout.write(path, root.layers, _spread(model, pixels), seed=RANDOM_SEED)
    return identify(path, root.weights)


def _spread(model: keras.Model, pixels: NDArray[np.float32]) -> Iterator[LayerWeights]:
    import keras  # noqa: PLC0415 - seconds, and only whoever trains needs it

    through = keras.ops.convert_to_tensor(pixels)
    for layer in model.layers[1:]:
        if layer.weights:
            kernel, bias = (np.asarray(each, np.float32) for each in layer.get_weights())
            activation, layer.activation = layer.activation, keras.activations.linear
            outputs = np.asarray(layer(through))
            axes = tuple(range(outputs.ndim - 1))
            mean, deviation = outputs.mean(axes, dtype=np.float64), outputs.std(axes, dtype=np.float64)
            deviation[deviation < _LEAST] = 1
            kernel, bias = np.asarray(kernel / deviation, np.float32), np.asarray((bias - mean) / deviation, np.float32)
            layer.set_weights([kernel, bias])
            layer.activation = activation
            yield LayerWeights(layer.name, kernel, bias)
        through = layer(through)
