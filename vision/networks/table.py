"""A network as data: its layers, the arrays of its weights and its cuts, read without Keras.

Each pretrained network has a table, `tables/<id>.json`, which `python -m vision.networks.layers` generates from its
Keras graph, and which a test compares with that: `GET /models`, the checks before a start and those of weights files
need it without a network in memory.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import NamedTuple

PIXELS = "pixels"  # the name of the cut before the first layer


@dataclass(frozen=True, slots=True)
class Layer:
    """A layer with a trained kernel, and the batch normalisations that belong to it.

    `kernel` is Keras's shape: (height, width, inputs, outputs) of a convolution, (inputs, outputs) of a dense layer;
    `output` is (height, width, channels) or (units,). `parameters` counts every number that was trained, those of
    `norms`, the names of the batch normalisations behind it, included.
    """

    name: str
    kind: str
    kernel: tuple[int, ...]
    output: tuple[int, ...]
    parameters: int
    norms: tuple[str, ...] = ()


class LayerShapes(NamedTuple):
    """The arrays that a Keras layer stores: each one's shape by its name, in Keras's order.

    `residual` layers are the batch normalisations that end a residual branch.
    """

    layer: str
    shapes: dict[str, tuple[int, ...]]
    residual: bool = False


@dataclass(frozen=True, slots=True)
class Cut:
    """A place where one tensor is all that goes on: behind the Keras layer `layer`, or at the pixels.

    `frozen` weight layers come before it; `shape` is the tensor's, without the batch.
    """

    layer: str
    frozen: int
    shape: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """What a network's Keras graph says: its weight layers, all that it stores, and its cuts behind the pixels.

    `layers` and `stored` are in the order of the graph, which is that of Keras's weights files.
    """

    layers: tuple[Layer, ...]
    stored: tuple[LayerShapes, ...] = ()
    cuts: tuple[Cut, ...] = ()


@cache
def read_table(network: str) -> Table:
    """Read the table of a pretrained network.

    Raises:
        FileNotFoundError: it was not generated yet.
    """
    rows = json.loads((files("vision.networks") / "tables" / f"{network}.json").read_text(encoding="utf-8"))
    return Table(
        layers=tuple(
            Layer(**row | {field: tuple(row[field]) for field in ("kernel", "output", "norms")})
            for row in rows["layers"]
        ),
        stored=tuple(
            LayerShapes(**row | {"shapes": {name: tuple(shape) for name, shape in row["shapes"].items()}})
            for row in rows["stored"]
        ),
        cuts=tuple(Cut(row["layer"], row["frozen"], tuple(row["shape"])) for row in rows["cuts"]),
    )
