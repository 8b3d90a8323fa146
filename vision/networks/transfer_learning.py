"""Transfer learning: a pretrained network cut in two, a backbone that many models share and a head of one model's own.

Cuts and the description of a fine-tuned network come from the network's table, without Keras.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING
from zipfile import BadZipFile

from vision.networks.labels import Label
from vision.networks.table import PIXELS, Cut, Layer, Table
from vision.networks.weights import WeightsError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import keras

    from vision.networks.network import Network

TRAINED = 3  # weight layers that learn, where nobody says how many
_DRAWN = ("kernel_initializer", "depthwise_initializer", "pointwise_initializer")  # what Keras draws numbers with


def freeze_of(network: Network, freeze: int | None) -> int:
    """Count the weight layers that keep their weights: those asked for, None for all but the last three.

    The last layer is always a new one, so that all of them and all but one are the same.

    Raises:
        ValueError: the network has fewer.
    """
    count = len(network.layers)
    if freeze is None:
        return max(0, count - TRAINED)
    if not 0 <= freeze <= count:
        raise ValueError(f"{network.title} has {count} weight layers: freeze 0 to {count} of them")
    return min(freeze, count - 1)


def cuts(network: Network) -> tuple[Cut, ...]:
    """List the places where a network can be cut, from its pixels on."""
    start = Cut(PIXELS, 0, (network.input_size, network.input_size, network.channels))
    return (start, *network.table.cuts)


def cut_of(network: Network, freeze: int | None) -> Cut:
    """Find the last place before which there are frozen layers only.

    Raises:
        ValueError: as `freeze_of`.
    """
    frozen = freeze_of(network, freeze)
    return next(cut for cut in reversed(cuts(network)) if cut.frozen <= frozen)


def cut_named(network: Network, layer: str) -> Cut:
    """Find a place by its layer.

    Raises:
        ValueError: the network cannot be cut there.
    """
    for cut in cuts(network):
        if cut.layer == layer:
            return cut
    raise ValueError(f"{network.title} cannot be cut behind {layer[:80]!r}")


def finetuned(model_id: str, root: Network, classes: Sequence[str]) -> Network:
    """Describe a network that was fine-tuned here: its last layer has `classes`, in the order of its outputs."""
    labels = tuple(Label(None, name) for name in classes)
    *kept, last = root.layers
    inputs, outputs = last.kernel[0], len(labels)
    own = Layer(last.name, last.kind, (inputs, outputs), (outputs,), inputs * outputs + outputs)
    return replace(
        root,
        id=model_id,
        title=f"{root.title} fine-tuned, {model_id}",
        about=f"{root.title}, fine-tuned here on photographs of {outputs} classes",
        own_table=Table((*kept, own)),
        weights=None,
        randomise=None,
        carried=None,
        labels=lambda: labels,
    )


def backbone(model: keras.Model, cut: Cut) -> keras.Model:
    """Take the part of a whole network from its preprocessed pixels to the cut; its layers stay the network's own."""
    import keras  # noqa: PLC0415 - seconds, and only whoever runs a network needs it

    end = model.input if cut.layer == PIXELS else model.get_layer(cut.layer).output
    return keras.Model(model.input, end, name="backbone")


def head(model: keras.Model, cut: Cut, classes: int, dtype: str, seed: int | None = None) -> keras.Model:
    """Clone the part of a whole network from the cut on, to logits (batch, classes), under the same layer names.

    `dtype` is a Keras dtype policy. The last layer, a new one, is as Keras starts it, from `seed`. Every other kernel
    is zero until `copy_weights` or `load_head`, as drawing them would take longer.
    """
    import keras  # noqa: PLC0415 - as above

    policy = keras.DTypePolicy(dtype)
    last = model.layers[-1]

    def own(layer: keras.Layer) -> keras.Layer:
        config = layer.get_config() | {"dtype": policy}
        config |= {name: "zeros" for name in _DRAWN if name in config}
        if layer is last:
            config |= {"units": classes, "kernel_initializer": keras.initializers.GlorotUniform(seed=seed)}
        return type(layer).from_config(config)

    start = model.input if cut.layer == PIXELS else model.get_layer(cut.layer).output
    features = keras.Input(cut.shape, dtype=policy.compute_dtype, name="features")
    made = {id(start): features}  # a tensor of the network to that of the head
    for layer in model.layers:  # in topological order; those before the cut are never reached
        inputs = layer.input if isinstance(layer.input, list) else [layer.input]
        if inputs and id(layer.output) not in made and all(id(tensor) in made for tensor in inputs):
            ready = [made[id(tensor)] for tensor in inputs]
            made[id(layer.output)] = own(layer)(ready if isinstance(layer.input, list) else ready[0])
    return keras.Model(features, made[id(model.output)], name="head")


def copy_weights(source: keras.Model, target: keras.Model, *, last: bool = False) -> None:
    """Fill a head with what another network has under the same names, a whole one or another head.

    The last layer is left as it is, unless `last`: then both have the same classes.
    """
    names = {layer.name for layer in source.layers if layer.weights}
    wanted = [layer for layer in target.layers if layer.weights and layer.name in names]
    for layer in wanted:
        if last or layer is not target.layers[-1]:
            layer.set_weights(source.get_layer(layer.name).get_weights())


def frozen_layers(network: Network, model: keras.Model, freeze: int | None) -> list[keras.Layer]:
    """List the layers of a head, or of a whole network, that keep their weights, batch normalisations among them."""
    kept = network.layers[: freeze_of(network, freeze)]
    names = {name for layer in kept for name in (layer.name, *layer.norms)}
    return [layer for layer in model.layers if layer.name in names]


def load_head(model: keras.Model, path: Path) -> None:
    """Fill a model of `head` from its `.keras` file; what else that file says, code included, is not read.

    Raises:
        FileNotFoundError: there is no such file.
        WeightsError: the file is not one, or of another network, cut or number of classes; it may be filled in part.
    """
    try:
        model.load_weights(path)
    except FileNotFoundError:
        raise
    except (ValueError, KeyError, OSError, BadZipFile) as error:
        raise WeightsError(f"{path.name} does not fit the fine-tuned network: {error}") from error
