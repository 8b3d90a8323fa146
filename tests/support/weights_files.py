"""Weights files in the layout of VGG16's official file, of a small network or of any other."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import h5py
import numpy as np

from vision.networks.table import LayerShapes
from vision.networks.weights import WeightsFile

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


def layer(name: str, *kernel: int) -> LayerShapes:
    """Describe a layer with a kernel and a bias."""
    return LayerShapes(name, {"kernel": kernel, "bias": kernel[-1:]})


_LETTERS = {"kernel": "W", "bias": "b"}
_AROUND_ONE = {"gamma", "moving_variance"}  # of a batch normalisation, which then changes little

SMALL = (
    layer("conv1", 3, 3, 3, 8),
    layer("conv2", 3, 3, 8, 16),
    layer("fc", 64, 32),
    layer("predictions", 32, 10),
)


def write_official(path: Path, network: Sequence[LayerShapes], *, seed: int = 7) -> None:
    """Write numbers of our own just as Keras 1 wrote the official file: bytes as names, layers without weights too.

    They keep the size of features from layer to layer, and suit pixels in -120 to 150.
    """
    generator = np.random.default_rng(seed)
    path.parent.mkdir(parents=True, exist_ok=True)
    with h5py.File(path, "w") as file:
        file.attrs["layer_names"] = [b"input_1", *(layer.layer.encode() for layer in network), b"flatten"]
        for name in ("input_1", "flatten"):
            file.create_group(name).attrs["weight_names"] = []
        for index, (layer_name, shapes, _) in enumerate(network):
            names = [f"{layer_name}_{_LETTERS.get(array, array)}_1:0" for array in shapes]
            group = file.create_group(layer_name)
            group.attrs["weight_names"] = [name.encode() for name in names]
            for name, (array, shape) in zip(names, shapes.items(), strict=True):
                factor = 0.05
                if array.endswith("kernel"):
                    factor = np.sqrt(2 / np.prod(shape[:-1])) / (70 if index == 0 else 1)
                mean = 1 if array in _AROUND_ONE else 0
                group[name] = mean + generator.standard_normal(shape, np.float32) * np.float32(factor)


def official(path: Path, network: Sequence[LayerShapes] = SMALL) -> WeightsFile:
    """Write such a file and take it for the official one."""
    write_official(path, network)
    content = path.read_bytes()
    md5 = hashlib.md5(content, usedforsecurity=False).hexdigest()
    return WeightsFile(
        "small.h5", len(content), md5, "networks/small.h5", "vgg16", has_path=True, contents=tuple(network)
    )
