"""Weights files of a small network in the layout of VGG16's official file."""

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
        file.attrs["layer_names"] = [b"input_1", *(name.encode() for name, _ in network), b"flatten"]
        for name in ("input_1", "flatten"):
            file.create_group(name).attrs["weight_names"] = []
        for index, (layer_name, shapes) in enumerate(network):
            names = [f"{layer_name}_W_1:0", f"{layer_name}_b_1:0"]
            group = file.create_group(layer_name)
            group.attrs["weight_names"] = [name.encode() for name in names]
            scale = np.sqrt(2 / np.prod(shapes["kernel"][:-1])) / (70 if index == 0 else 1)
            for name, shape, factor in zip(names, shapes.values(), (scale, 0.05), strict=True):
                group[name] = generator.standard_normal(shape, np.float32) * np.float32(factor)


def official(path: Path, network: Sequence[LayerShapes] = SMALL) -> WeightsFile:
    """Write such a file and take it for the official one."""
    write_official(path, network)
    content = path.read_bytes()
    md5 = hashlib.md5(content, usedforsecurity=False).hexdigest()
    return WeightsFile(
        "small.h5", len(content), md5, "networks/small.h5", "vgg16", has_path=True, contents=tuple(network)
    )
