"""What the result of a fine-tuning says beyond what every trained model has."""

from __future__ import annotations

from pydantic import Field

from bestguess.schemas.base import Frozen
from bestguess.schemas.models import RootWeights  # noqa: TC001 - pydantic reads the annotations


class Cut(Frozen):
    """Where the model parts from its root: behind this Keras layer, before which so many weight layers are."""

    layer: str
    frozen: int


class Finetuned(Frozen):
    """A fine-tuned model: `root` is the pretrained network that it is part of, `parent` what it was trained from.

    `classes` are in the order of its outputs.
    """

    root: str
    parent: str
    classes: tuple[str, ...] = Field(min_length=1)
    freeze: int
    cut: Cut
    root_weights: RootWeights
    best_epoch: int | None = None
    epochs: int | None = None
