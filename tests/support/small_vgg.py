"""VGG16 with its layers and names, but 32 x 32 pixels and few channels: quick to train."""

from __future__ import annotations

from dataclasses import replace
from math import prod
from typing import TYPE_CHECKING

from vision.networks.table import Cut, Layer, LayerShapes, Table
from vision.networks.vgg import VGG16

if TYPE_CHECKING:
    import keras

    from vision.networks.network import Network

SIDE = 32
BLOCKS = ((2, 4), (2, 6), (3, 8), (3, 10), (3, 12))
UNITS = {"fc1": 24, "fc2": 20, "predictions": 10}


def _table() -> Table:
    layers: list[Layer] = []
    cuts: list[Cut] = []
    side, inputs = SIDE, 3
    for block, (convolutions, channels) in enumerate(BLOCKS, start=1):
        for number in range(1, convolutions + 1):
            name, kernel = f"block{block}_conv{number}", (3, 3, inputs, channels)
            layers.append(Layer(name, "convolution", kernel, (side, side, channels), prod(kernel) + channels))
            cuts.append(Cut(name, len(layers), (side, side, channels)))
            inputs = channels
        side //= 2
        cuts[-1] = Cut(f"block{block}_pool", len(layers), (side, side, channels))
    for name, units in UNITS.items():
        layers.append(Layer(name, "dense", (inputs, units), (units,), inputs * units + units))
        cuts.append(Cut(name, len(layers), (units,)))
        inputs = units
    stored = [LayerShapes(layer.name, {"kernel": layer.kernel, "bias": layer.kernel[-1:]}) for layer in layers]
    return Table(tuple(layers), tuple(stored), tuple(cuts[:-1]))


def build(dtype: str) -> keras.Model:
    """Make the whole network in plain Keras, as keras.applications does."""
    import keras  # noqa: PLC0415 - not when tests are collected

    policy = keras.DTypePolicy(dtype)
    features = inputs = keras.Input((SIDE, SIDE, 3))
    for block, (convolutions, channels) in enumerate(BLOCKS, start=1):
        for number in range(1, convolutions + 1):
            options = {"activation": "relu", "padding": "same", "dtype": policy}
            features = keras.layers.Conv2D(channels, 3, name=f"block{block}_conv{number}", **options)(features)
        features = keras.layers.MaxPooling2D(dtype=policy, name=f"block{block}_pool")(features)
    features = keras.layers.Flatten(dtype=policy, name="flatten")(features)
    for name, units in UNITS.items():
        activation = None if name == "predictions" else "relu"
        features = keras.layers.Dense(units, activation, dtype=policy, name=name)(features)
    return keras.Model(inputs, features)


SMALL_VGG: Network = replace(
    VGG16,
    id="small-vgg",
    title="Small VGG",
    input_size=SIDE,
    resize=36,
    build=build,
    weights=None,
    own_table=_table(),
)
