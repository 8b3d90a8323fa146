"""The graph of a Keras model whose layers are each called once: what each layer takes, and where branches end."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    import keras


def parents_of(model: keras.Model) -> dict[str, set[str]]:
    """Map each layer's name, in topological order, to the names of the layers whose outputs it takes."""
    made_by = {id(layer.output): layer.name for layer in model.layers}
    found = {}
    for layer in model.layers:
        inputs = layer.input if isinstance(layer.input, list) else [layer.input]
        found[layer.name] = {made_by[id(tensor)] for tensor in inputs if id(tensor) in made_by} - {layer.name}
    return found


def ancestors(parents: Mapping[str, set[str]]) -> dict[str, set[str]]:
    """Map each layer's name to the names of all layers that it depends on."""
    found: dict[str, set[str]] = {}
    for name, direct in parents.items():
        found[name] = direct.union(*(found[parent] for parent in direct))
    return found


def residual_norms(model: keras.Model) -> set[str]:
    """Return the names of the batch normalisations that end a residual branch, before its sum with the shortcut.

    Of what an Add takes, the shortcut is what has the fewest layers before it, also where it is projected.
    """
    parents = parents_of(model)
    before = ancestors(parents)
    found = set()
    for layer in model.layers:
        if type(layer).__name__ == "Add":
            by_length = sorted(parents[layer.name], key=lambda name: (len(before[name]), name))
            found |= {_last_weights(model, parents, branch) for branch in by_length[1:]}
    return {name for name in found if type(model.get_layer(name)).__name__ == "BatchNormalization"}


def _last_weights(model: keras.Model, parents: Mapping[str, set[str]], name: str) -> str:
    """Go back from a layer, through dropouts and activations, to one that has weights."""
    while not model.get_layer(name).weights and len(parents[name]) == 1:
        (name,) = parents[name]
    return name
