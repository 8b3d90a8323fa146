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

    from vision.networks.table import LayerShapes

RANDOM_SEED = 0  # of weights that are made up: the same everywhere, so that answers can be compared
# About the root mean square of a photograph's pixels once the channel means are taken off.
_INPUT_SCALE = 70.0
_LOGITS_GAIN = 1.28
_RESIDUAL_GAMMA = 0.25
_ONES = {"gamma", "moving_variance"}  # of a batch normalisation that changes nothing


def draw(layers: Sequence[LayerShapes], seed: int) -> Iterator[LayerWeights]:
    """Draw a network's weights, a layer at a time: each kernel has a seed of its own, none depends on those before it.

    Kernels are normal with the standard deviation sqrt(2 / inputs), which keeps the size of features behind a ReLU from
    layer to layer (He et al. 2015, https://arxiv.org/abs/1502.01852); biases are zero, and batch normalisations change
    nothing, but for those that end a residual branch: a quarter keeps sums with shortcuts from growing block by block.
    The first layer is scaled down to its inputs' size, else features are in the hundreds and a softmax of them is ones
    and zeros; the last is scaled so that VGG16's logits spread by about 3, as those of trained weights do.

    Measured on four photographs, seed 0: features have a root mean square of 0.6 to 2.3 and stay below 13; the standard
    deviation of the 1,000 logits is 2.1 to 4.2 (seeds 1 to 4: 1.4 to 5.0), the best score 0.10 to 0.56. Photographs
    differ little to such a network: their logits correlate by 0.95 or more, and their best guess is often the same.
    ResNet50's spread by 2.1 to 4.1 (seeds 0 to 2; 420 to 1,800 without the quarter), its best score is 0.06 to 0.26.
    """
    kernels = sum(_is_kernel(name) for layer in layers for name in layer.shapes)
    index = 0
    for layer in layers:
        arrays = {}
        for name, shape in layer.shapes.items():
            if not _is_kernel(name):
                constant = _RESIDUAL_GAMMA if layer.residual and name == "gamma" else name in _ONES
                arrays[name] = np.full(shape, constant, np.float32)
                continue
            deviation = sqrt(2 / prod(shape[:-1]))
            if index == 0:
                deviation /= _INPUT_SCALE
            if index == kernels - 1:
                deviation *= _LOGITS_GAIN
            kernel = np.random.default_rng([seed, index]).standard_normal(shape, np.float32)
            kernel *= np.float32(deviation)
            arrays[name] = kernel
            index += 1
        yield LayerWeights(layer.layer, arrays)


def _is_kernel(name: str) -> bool:
    return name.endswith("kernel")


def write_random(path: Path, layers: Sequence[LayerShapes], seed: int, *, force: bool = False) -> None:
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
