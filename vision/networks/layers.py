"""Generator of the layer tables: `python -m vision.networks.layers [ID ...]` writes `tables/<id>.json` from Keras."""

from __future__ import annotations

import json
import re
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vision.networks.applications import stored
from vision.networks.graph import ancestors, parents_of
from vision.networks.registry import NETWORKS
from vision.networks.table import Cut, Layer, Table

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import keras

TABLES = Path(__file__).with_name("tables")
_KINDS = {"Conv2D": "convolution", "DepthwiseConv2D": "depthwise convolution", "Dense": "dense"}
_REARRANGE = {"Dropout", "Flatten", "Reshape"}  # what they give is what they get: a head begins with them


def describe(model: keras.Model, cuts_at: str = ".*") -> Table:
    """Read a table off a Keras graph whose layers are each called once.

    Where several layers follow each other without a weight layer between them, the cut is behind the last one.

    Raises:
        ValueError: a layer has a kernel and is of no known kind.
    """
    _check_kinds(model)
    parents = parents_of(model)
    before = ancestors(parents)
    order = [layer for layer in model.layers if type(layer).__name__ in _KINDS]
    norms = _norms(model, order, before)
    cuts: dict[int, Cut] = {}
    for layer in model.layers:
        name = layer.name
        frozen = sum(other.name in before[name] or other is layer for other in order)
        # Whatever is not needed for it comes from it, or from what does: no other tensor goes on.
        is_only_way = all(
            other == name
            or other in before[name]
            or all(parent == name or name in before[parent] for parent in parents[other])
            for other in parents
        )
        if (
            0 < frozen < len(order)
            and is_only_way
            and type(layer).__name__ not in _REARRANGE
            and re.fullmatch(cuts_at, name)
        ):
            cuts[frozen] = Cut(name, frozen, tuple(layer.output.shape[1:]))
    return Table(
        layers=tuple(_layer(layer, [model.get_layer(name) for name in norms[layer.name]]) for layer in order),
        stored=stored(model),
        cuts=tuple(cuts.values()),
    )


def _check_kinds(model: keras.Model) -> None:
    for layer in model.layers:
        kind = type(layer).__name__
        kernels = [variable.name for variable in layer.weights if variable.name.endswith("kernel")]
        if kernels and kind not in _KINDS:
            raise ValueError(
                f"layer {layer.name} ({kind}) has kernels ({', '.join(kernels)}), and a layer table knows only "
                f"{', '.join(_KINDS)}. Add the kind to vision/networks/layers.py, or choose a network without it."
            )


def _norms(
    model: keras.Model, order: Iterable[keras.Layer], before: Mapping[str, set[str]]
) -> dict[str, tuple[str, ...]]:
    """Give each layer that has weights but no kernel to the last weight layer that it depends on, or to the first."""
    found: dict[str, tuple[str, ...]] = {layer.name: () for layer in order}
    for layer in model.layers:
        if layer.weights and layer.name not in found:
            owner = next((name for name in reversed(found) if name in before[layer.name]), next(iter(found)))
            found[owner] += (layer.name,)
    return found


def _layer(layer: keras.Layer, norms: Iterable[keras.Layer]) -> Layer:
    trained = [variable for each in (layer, *norms) for variable in each.trainable_weights]
    return Layer(
        name=layer.name,
        kind=_KINDS[type(layer).__name__],
        kernel=tuple(layer.kernel.shape),
        output=tuple(layer.output.shape[1:]),
        parameters=sum(variable.shape.num_elements() for variable in trained),
        norms=tuple(norm.name for norm in norms),
    )


def write(table: Table, path: Path) -> None:
    """Write a table as JSON, a row a line."""
    rows = {
        "layers": [asdict(layer) for layer in table.layers],
        "stored": [{name: value for name, value in layer._asdict().items() if value} for layer in table.stored],
        "cuts": [asdict(cut) for cut in table.cuts],
    }
    path.write_text("{\n" + ",\n".join(_block(*part) for part in rows.items()) + "\n}\n", encoding="utf-8")


def _block(name: str, rows: list[dict[str, Any]]) -> str:
    lines = ",\n".join(f"  {json.dumps(row)}" for row in rows)
    return f' "{name}": [\n{lines}\n ]'


if __name__ == "__main__":
    for wanted in sys.argv[1:] or NETWORKS:
        network, path = NETWORKS[wanted], TABLES / f"{wanted}.json"
        write(describe(network.build("float32"), network.cuts_at), path)
        sys.stdout.write(f"{path}\n")
