"""A network: what it expects, how it is built, and where its weights are; a module for each family has its networks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from vision.networks.labels import imagenet_labels
from vision.networks.table import read_table

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from vision.networks.labels import Label
    from vision.networks.table import Layer, Table
    from vision.networks.weights import FoundWeights, WeightsFile

Interpolation = Literal["bilinear", "bicubic"]


@dataclass(frozen=True, slots=True)
class Network:
    """A classifier, pretrained on the 1,000 ImageNet classes or trained here.

    `input_size` is the side in pixels of the square that it sees, and `resize` the length that the shorter side of a
    photo is brought to before that square is cut from its centre. `channels` is 3 for RGB; a network of digits sees 1,
    and its pictures are brought to its convention instead (`fit` is "digit", see `vision.digits.preprocess`).
    `labels()` are its classes, in the order of its outputs.

    `build(dtype)` makes an uninitialised Keras model from float pixels to logits; `preprocess` turns a float32 tensor
    (batch, height, width, channels in 0 to 255) into what that model was trained on; `load(model, path)` fills in
    weights from a file; `randomise(model, seed)` makes them up. All four import Keras when they are called.

    `gains_from_16_bits` says whether bfloat16 and float16 are faster where a device has instructions for them: wide
    convolutions are; depthwise ones move more numbers than they multiply, and lose by the conversions.

    `weights` is the file to look for and to fetch; `carried()` names the one that an installed package carries.

    `own_table` is for a network without a file in `tables/`. `cuts_at` narrows the cuts that are generated to layers of
    these names, a regular expression.
    """

    id: str
    title: str
    about: str
    input_size: int
    resize: int
    interpolation: Interpolation
    preprocessing: str
    build: Callable[[str], Any]
    preprocess: Callable[[Any], Any]
    load: Callable[[Any, Path | None], None]
    gains_from_16_bits: bool
    weights: WeightsFile | None = None
    randomise: Callable[[Any, int], None] | None = None
    carried: Callable[[], FoundWeights] | None = None
    channels: int = 3
    fit: Literal["digit"] | None = None
    labels: Callable[[], Sequence[Label]] = imagenet_labels
    own_table: Table | None = None
    cuts_at: str = ".*"

    @property
    def table(self) -> Table:
        """Its layers, all that they store, and its cuts."""
        return self.own_table or read_table(self.id)

    @property
    def layers(self) -> tuple[Layer, ...]:
        """Its weight layers."""
        return self.table.layers

    @property
    def parameters(self) -> int:
        """How many numbers the network has learned."""
        return sum(layer.parameters for layer in self.layers)
