"""A pretrained network that was fine-tuned here, as it is served: all of its root but the last layer's classes."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from vision import layers
from vision.labels import Label

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vision.networks import Network


def finetuned(model_id: str, root: Network, classes: Sequence[str]) -> Network:
    """Describe a network whose last layer was replaced by one for `classes`, in the order of its outputs."""
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
