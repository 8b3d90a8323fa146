"""The last part of a pretrained network in Keras, from a place where it is cut on, with a new last layer."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from vision import lite0
from vision.lite0_layers import BLOCKS, HEAD, LAYERS, STEM

if TYPE_CHECKING:
    from collections.abc import Sequence

    import keras

    from vision.layers import Layer
    from vision.transfer_learning import Cut

_BLOCK = re.compile(r"block\d+")


def build(layers: Sequence[Layer], cut: Cut, classes: int, dtype: str, seed: int | None) -> keras.Model:
    """Make the layers behind a cut, to logits of so many classes; `seed` is that of the last, new layer.

    Every other kernel is zero: what belongs there is filled in, and drawing it would take longer.
    """
    import keras  # noqa: PLC0415 - seconds, and only whoever runs a network needs it

    policy = keras.DTypePolicy(dtype)
    features = inputs = keras.Input(cut.shape, dtype=policy.compute_dtype, name="features")
    if layers is LAYERS:
        features = _inverted(features, cut.frozen, policy)
    else:
        features = _chained(features, layers[cut.frozen : -1], policy)
    start = keras.initializers.GlorotUniform(seed=seed)
    last = keras.layers.Dense(classes, kernel_initializer=start, dtype=policy, name=layers[-1].name)
    return keras.Model(inputs, last(features), name="tail")


def _chained(features: keras.KerasTensor, layers: Sequence[Layer], policy: keras.DTypePolicy) -> keras.KerasTensor:
    """Apply layers of VGG: each with ReLU, a pool at the end of each block, and all in a row before the dense ones."""
    import keras  # noqa: PLC0415 - as above

    followers = [*(layer.name for layer in layers), ""]
    for layer, follower in zip(layers, followers[1:], strict=True):
        options = {"activation": "relu", "kernel_initializer": "zeros", "dtype": policy, "name": layer.name}
        if layer.kind == "dense":
            features = keras.layers.Dense(layer.output[0], **options)(_flat(features, policy))
            continue
        features = keras.layers.Conv2D(layer.kernel[3], layer.kernel[:2], padding="same", **options)(features)
        block = _BLOCK.match(layer.name)
        if block and not follower.startswith(f"{block[0]}_"):
            features = keras.layers.MaxPooling2D(dtype=policy, name=f"{block[0]}_pool")(features)
    return _flat(features, policy)


def _flat(features: keras.KerasTensor, policy: keras.DTypePolicy) -> keras.KerasTensor:
    import keras  # noqa: PLC0415 - as above

    if len(features.shape) == 2:  # noqa: PLR2004 - a batch of rows already
        return features
    return keras.layers.Flatten(dtype=policy, name="flatten")(features)


def _inverted(features: keras.KerasTensor, frozen: int, policy: keras.DTypePolicy) -> keras.KerasTensor:
    """Apply what follows so many weight layers of EfficientNet-Lite0, of which the last is its own block's last."""
    import keras  # noqa: PLC0415 - as above

    number = 1
    if frozen < number:
        features = lite0.convolve(features, STEM, policy, stride=2)
    for block in BLOCKS:
        number += 2 if block.expand is None else 3
        if frozen < number:
            features = lite0.invert(features, block, policy)
    if frozen <= number:
        features = lite0.convolve(features, HEAD, policy)
        features = keras.layers.GlobalAveragePooling2D(dtype=policy, name="pool")(features)
    return features
