"""What a fine-tuning begins with: the frozen backbone of a pretrained network, and a head that is to learn."""

from __future__ import annotations

import gc
from dataclasses import dataclass
from typing import TYPE_CHECKING

from jobs.artifacts import ArtifactsUnavailable
from vision.machine import fastest
from vision.networks import transfer_learning
from vision.networks.random_weights import RANDOM_SEED
from vision.networks.weights import WeightsError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import keras
    import tensorflow as tf

    from vision.networks.registry import Network
    from vision.networks.table import Cut
    from vision.networks.weights import FoundWeights

FLOAT32 = "float32"


@dataclass(frozen=True, slots=True)
class Parent:
    """A model that was fine-tuned here: its id, the file of its head, where that begins, and its classes in order."""

    id: str
    path: Path
    cut: Cut
    classes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Base:
    """What a training goes on from: a pretrained network with its weights, or a model fine-tuned from it."""

    root: Network
    weights: FoundWeights
    parent: Parent | None = None

    @property
    def id(self) -> str:
        """The name of it."""
        return self.parent.id if self.parent else self.root.id

    @property
    def hash(self) -> str:
        """The hash of the pretrained network's weights; weights that are made up are known by their seed."""
        return self.weights.hash or f"random:{RANDOM_SEED}"

    def cut(self, freeze: int | None) -> Cut:
        """Return where the head begins: behind frozen layers only, and not behind where the parent's does.

        Raises:
            ValueError: the network has fewer layers than are to be frozen.
        """
        cut = transfer_learning.cut_of(self.root, freeze)
        return min(cut, self.parent.cut, key=lambda each: each.frozen) if self.parent else cut


class Parts:
    """A base cut in two: `backbone`, None where the cut is at the pixels, computes in `precision`, `head` in float32.

    What is frozen behind the cut is not trainable; its batch-norms work with the statistics that they have learned, and
    those of other layers with their batch's, as Keras does.
    """

    def __init__(self, base: Base, freeze: int | None, classes: Sequence[str], precision: str, seed: int) -> None:
        self.root, self.cut, self.precision = base.root, base.cut(freeze), precision
        whole = self.root.build(FLOAT32)
        _fill(base, whole)
        self.head = transfer_learning.head(whole, self.cut, len(classes), FLOAT32, seed)
        transfer_learning.copy_weights(whole, self.head)
        if base.parent:
            _go_on(whole, base.parent, self.head, classes)
        for layer in transfer_learning.frozen_layers(self.root, self.head, freeze):
            layer.trainable = False
        self.backbone = _backbone(self.root, self.cut, whole, precision) if self.cut.frozen else None
        del whole
        gc.collect()  # layers and what connects them name each other

    @property
    def normalises(self) -> bool:
        """Whether what learns has batch-norms, to which photographs in one batch are not independent."""
        return any(type(layer).__name__ == "BatchNormalization" and layer.trainable for layer in self.head.layers)

    def features(self, pixels: tf.Tensor) -> tf.Tensor:
        """Bring pixels (batch, side, side, 3) in 0 to 255 to the cut, in a graph: float32."""
        import tensorflow as tf  # noqa: PLC0415 - seconds, and only whoever trains needs it

        prepared = self.root.preprocess(tf.cast(pixels, tf.float32))
        if self.backbone is None:
            return prepared
        through = self.backbone(tf.cast(prepared, self.backbone.input.dtype), training=False)
        return tf.stop_gradient(tf.cast(through, tf.float32))

    def drop_backbone(self) -> None:
        """Give up the frozen part's memory, once nobody needs it."""
        self.backbone = None
        gc.collect()


def precision_of(root: Network, wanted: str) -> str:
    """Return the number format of the frozen part; `auto` is the fastest for this network on this device."""
    import tensorflow as tf  # noqa: PLC0415 - as above

    if wanted != "auto":
        return wanted
    gpus = tf.config.list_physical_devices("GPU")
    gpu = tf.config.experimental.get_device_details(gpus[0]) if gpus else None
    return fastest(gpu, gains_from_16_bits=root.gains_from_16_bits)


def _fill(base: Base, whole: keras.Model) -> None:
    if base.weights.path is None and base.root.randomise:
        base.root.randomise(whole, RANDOM_SEED)
    else:
        base.root.load(whole, base.weights.path)


def _go_on(whole: keras.Model, parent: Parent, head: keras.Model, classes: Sequence[str]) -> None:
    """Fill a head with what the parent has learned; its last layer too, where both have the same classes."""
    theirs = transfer_learning.head(whole, parent.cut, len(parent.classes), FLOAT32)
    try:
        transfer_learning.load_head(theirs, parent.path)
    except (OSError, WeightsError) as error:
        cause = error if isinstance(error, OSError) else error.__cause__
        if isinstance(cause, OSError) and cause.errno:  # it was verified, and is again at the job's next attempt
            message = f"The base cannot be read: {cause.strerror or cause}."
            raise ArtifactsUnavailable(message, passing=True) from error
        raise
    transfer_learning.copy_weights(theirs, head, last=tuple(classes) == parent.classes)


def _backbone(root: Network, cut: Cut, whole: keras.Model, precision: str) -> keras.Model:
    if precision == FLOAT32:
        return transfer_learning.backbone(whole, cut)
    backbone = transfer_learning.backbone(root.build(precision), cut)
    transfer_learning.copy_weights(whole, backbone, last=True)
    return backbone
