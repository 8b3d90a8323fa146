"""VGG16 with its layers and names, but 32 x 32 pixels and few channels: quick to train."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from vision.networks import layers, random_weights
from vision.networks.registry import VGG16

if TYPE_CHECKING:
    from collections.abc import Iterator

    import keras

    from vision.networks.layers import Layer
    from vision.networks.registry import Network

SIDE = 32
BLOCKS = ((2, 4), (2, 6), (3, 8), (3, 10), (3, 12))
UNITS = {"fc1": 24, "fc2": 20, "predictions": 10}


def _layers() -> Iterator[Layer]:
    side, inputs = SIDE, 3
    for block, (convolutions, channels) in enumerate(BLOCKS, start=1):
        for number in range(1, convolutions + 1):
            yield layers.convolution(f"block{block}_conv{number}", 3, inputs, channels, side)
            inputs = channels
        side //= 2
    for name, units in UNITS.items():
        yield layers.dense(name, inputs, units)
        inputs = units


LAYERS = tuple(_layers())


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


def randomise(model: keras.Model, seed: int) -> None:
    """Fill it with numbers of a seed."""
    for name, kernel, bias in random_weights.draw(LAYERS, seed):
        model.get_layer(name).set_weights([kernel, bias])


SMALL_VGG: Network = replace(
    VGG16,
    id="small-vgg",
    title="Small VGG",
    input_size=SIDE,
    resize=36,
    layers=LAYERS,
    build=build,
    randomise=randomise,
    weights=None,
)
