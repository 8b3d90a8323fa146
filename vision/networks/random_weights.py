"""Weights that nobody trained, drawn from a seed, for tests, benchmarks and a first look."""

from __future__ import annotations

import os
from math import prod, sqrt
from typing import TYPE_CHECKING

import numpy as np

from vision.files import publish
from vision.networks import keras_h5
from vision.networks.keras_h5 import LayerWeights
from vision.networks.weights import WeightsError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from vision.networks.layers import Layer

RANDOM_SEED = 0  # of weights that are made up: the same everywhere, so that answers can be compared
# About the root mean square of a photograph's pixels once the channel means are taken off.
_INPUT_SCALE = 70.0
_LOGITS_GAIN = 1.28


def draw(layers: Sequence[Layer], seed: int) -> Iterator[LayerWeights]:
    """Draw a network's weights, a layer at a time: each is seeded on its own, none depends on those before it.

    Kernels are normal with the standard deviation sqrt(2 / inputs), which keeps the size of features behind a ReLU from
    layer to layer (He et al. 2015, https://arxiv.org/abs/1502.01852); biases are zero. The first layer is scaled down
    to its inputs' size, else features are in the hundreds and a softmax of them is ones and zeros; the last is scaled
    so that VGG16's logits spread by about 3, as those of trained weights do.

    Measured on four photographs, seed 0: features have a root mean square of 0.6 to 2.3 and stay below 13; the standard
    deviation of the 1,000 logits is 2.1 to 4.2 (seeds 1 to 4: 1.4 to 5.0), the best score 0.10 to 0.56. Photographs
    differ little to such a network: their logits correlate by 0.95 or more, and their best guess is often the same.
    """
    for index, layer in enumerate(layers):
        deviation = sqrt(2 / prod(layer.kernel[:-1]))
        if index == 0:
            deviation /= _INPUT_SCALE
        if index == len(layers) - 1:
            deviation *= _LOGITS_GAIN
        kernel = np.random.default_rng([seed, index]).standard_normal(layer.kernel, np.float32)
        kernel *= np.float32(deviation)
        yield LayerWeights(layer.name, kernel, np.zeros(layer.output[-1:], np.float32))


def write_random(path: Path, layers: Sequence[Layer], seed: int, *, force: bool = False) -> None:
    """Write weights of `draw` in the official layout, marked as random with their seed; whole or not at all.

    Raises:
        WeightsError: the file exists and `force` is not given, or the disk is full or refuses.
    """
    # The process's number keeps two writers apart.
    beside = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        if path.exists() and not force:
            raise WeightsError(f"{path}: exists already. Name another file, or give --force to replace it.")
        keras_h5.write(beside, layers, draw(layers, seed), seed=seed)
        publish(beside, path)
    except OSError as error:
        raise WeightsError(
            f"{path}: cannot be written ({error.strerror}). Name another, or free some space."
        ) from error
    finally:
        beside.unlink(missing_ok=True)
