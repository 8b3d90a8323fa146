"""Transfer learning: a pretrained network cut in two, a trunk that many models share and a tail of one model's own.

The cuts and the description of a fine-tuned network are computed from the table of layers, without Keras.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING
from zipfile import BadZipFile

from vision.networks import efficientnet_lite0, layers
from vision.networks.labels import Label
from vision.networks.weights import WeightsError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import keras

    from vision.networks.layers import Layer
    from vision.networks.registry import Network

PIXELS = "pixels"  # the name of the place before the first layer
TRAINED = 3  # weight layers that learn, where nobody says how many
_BLOCK = re.compile(r"(block\d+)_conv\d+")  # a convolution of VGG's; each block ends with a pool


@dataclass(frozen=True, slots=True)
class Cut:
    """A place where one tensor is all that goes on: behind the Keras layer `layer`, or at the pixels.

    `frozen` weight layers come before it; `shape` is the tensor's, without the batch.
    """

    layer: str
    frozen: int
    shape: tuple[int, ...]


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
    return (start, *(_lite0_cuts() if network.layers is efficientnet_lite0.LAYERS else _vgg_cuts(network.layers)))


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


def _vgg_cuts(table: Sequence[Layer]) -> list[Cut]:
    """List the places of a network without branches, as VGG's are: behind each layer, or the pool that follows it."""
    found = []
    for number, (layer, following) in enumerate(pairwise(table), start=1):
        block, next_block = (_BLOCK.fullmatch(each.name) for each in (layer, following))
        if block and (next_block is None or next_block[1] != block[1]):
            height, width, channels = layer.output
            found.append(Cut(f"{block[1]}_pool", number, (height // 2, width // 2, channels)))
        else:
            found.append(Cut(layer.name, number, layer.output))
    return found


def _lite0_cuts() -> list[Cut]:
    """List the places of EfficientNet-Lite0: behind its stem, each of its blocks, and the pool behind its head."""
    stem, head = efficientnet_lite0.STEM, efficientnet_lite0.HEAD
    found, number = [Cut(f"{stem.name}_relu6", 1, stem.output)], 1
    for block in efficientnet_lite0.BLOCKS:
        number += 2 if block.expand is None else 3
        name = f"{block.name}_add" if block.residual else f"{block.project.name}_norm"
        found.append(Cut(name, number, block.project.output))
    return [*found, Cut("pool", number + 1, head.output[-1:])]


def finetuned(model_id: str, root: Network, classes: Sequence[str]) -> Network:
    """Describe a network that was fine-tuned here: its last layer has `classes`, in the order of its outputs."""
    labels = tuple(Label(None, name) for name in classes)
    *kept, last = root.layers
    return replace(
        root,
        id=model_id,
        title=f"{root.title} fine-tuned, {model_id}",
        about=f"{root.title}, fine-tuned here on photographs of {len(labels)} classes",
        layers=(*kept, layers.dense(last.name, last.kernel[0], len(labels))),
        weights=None,
        randomise=None,
        carried=None,
        labels=lambda: labels,
    )


def trunk(model: keras.Model, cut: Cut) -> keras.Model:
    """Take the part of a whole network from its preprocessed pixels to the cut; its layers stay the network's own."""
    import keras  # noqa: PLC0415 - seconds, and only whoever runs a network needs it

    end = model.input if cut.layer == PIXELS else model.get_layer(cut.layer).output
    return keras.Model(model.input, end, name="trunk")


def tail(network: Network, cut: Cut, classes: int, dtype: str, seed: int | None = None) -> keras.Model:
    """Make the part from the cut to logits (batch, classes), with layers of its own under the network's names.

    `dtype` is a Keras dtype policy. The last layer, a new one, is as Keras starts it, from `seed`. Every other kernel
    is zero until `copy_weights` or `load`, as drawing them would take longer.
    """
    import keras  # noqa: PLC0415 - as above

    policy = keras.DTypePolicy(dtype)
    features = inputs = keras.Input(cut.shape, dtype=policy.compute_dtype, name="features")
    if network.layers is efficientnet_lite0.LAYERS:
        features = _apply_lite0(features, cut.frozen, policy)
    else:
        features = _apply_vgg(features, network.layers[cut.frozen : -1], policy)
    start = keras.initializers.GlorotUniform(seed=seed)
    last = keras.layers.Dense(classes, kernel_initializer=start, dtype=policy, name=network.layers[-1].name)
    return keras.Model(inputs, last(features), name="tail")


def copy_weights(source: keras.Model, target: keras.Model, *, last: bool = False) -> None:
    """Fill a tail with what another network has under the same names, a root or another tail.

    The last layer is left as it is, unless `last`: then both have the same classes.
    """
    names = {layer.name for layer in source.layers if layer.weights}
    wanted = [layer for layer in target.layers if layer.weights and layer.name in names]
    for layer in wanted:
        if last or layer is not target.layers[-1]:
            layer.set_weights(source.get_layer(layer.name).get_weights())


def frozen_layers(network: Network, model: keras.Model, freeze: int | None) -> list[keras.Layer]:
    """List the layers of a tail, or of a whole network, that keep their weights, batch-norms among them."""
    kept = [layer.name for layer in network.layers[: freeze_of(network, freeze)]]
    names = {name for layer in kept for name in (layer, f"{layer}_norm")}
    return [layer for layer in model.layers if layer.name in names]


def load(model: keras.Model, path: Path) -> None:
    """Fill a model of `tail` from its `.keras` file; what else that file says, code included, is not read.

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


def _apply_vgg(features: keras.KerasTensor, table: Sequence[Layer], policy: keras.DTypePolicy) -> keras.KerasTensor:
    """Apply layers of VGG: each with ReLU, a pool at the end of each block, and all in a row before the dense ones."""
    import keras  # noqa: PLC0415 - as above

    followers = [*(layer.name for layer in table), ""]
    for layer, follower in zip(table, followers[1:], strict=True):
        options = {"activation": "relu", "kernel_initializer": "zeros", "dtype": policy, "name": layer.name}
        if layer.kind == "dense":
            features = keras.layers.Dense(layer.output[0], **options)(_flat(features, policy))
            continue
        features = keras.layers.Conv2D(layer.kernel[3], layer.kernel[:2], padding="same", **options)(features)
        block = _BLOCK.fullmatch(layer.name)
        if block and not follower.startswith(f"{block[1]}_"):
            features = keras.layers.MaxPooling2D(dtype=policy, name=f"{block[1]}_pool")(features)
    return _flat(features, policy)


def _flat(features: keras.KerasTensor, policy: keras.DTypePolicy) -> keras.KerasTensor:
    import keras  # noqa: PLC0415 - as above

    if len(features.shape) == 2:  # noqa: PLR2004 - a batch of rows already
        return features
    return keras.layers.Flatten(dtype=policy, name="flatten")(features)


def _apply_lite0(features: keras.KerasTensor, frozen: int, policy: keras.DTypePolicy) -> keras.KerasTensor:
    """Apply what follows so many weight layers of EfficientNet-Lite0, of which the last is its own block's last."""
    import keras  # noqa: PLC0415 - as above

    number = 1
    if frozen < number:
        features = efficientnet_lite0.convolve(features, efficientnet_lite0.STEM, policy, stride=2)
    for block in efficientnet_lite0.BLOCKS:
        number += 2 if block.expand is None else 3
        if frozen < number:
            features = efficientnet_lite0.invert(features, block, policy)
    if frozen <= number:
        features = efficientnet_lite0.convolve(features, efficientnet_lite0.HEAD, policy)
        features = keras.layers.GlobalAveragePooling2D(dtype=policy, name="pool")(features)
    return features
