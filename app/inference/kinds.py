"""Which kind of network a trained model is: one of digits, or a pretrained one that was fine-tuned."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jobs.finetuned import Finetuned
from jobs.queue import FINETUNE, MNIST_TRAIN
from vision.digits.network import trained
from vision.networks.registry import NETWORKS
from vision.networks.transfer_learning import finetuned
from vision.networks.weights import WeightsError

if TYPE_CHECKING:
    from jobs.trained import TrainedModel
    from vision.networks.registry import Network


def network_of(model: TrainedModel) -> Network:
    """Describe the network of a trained model.

    Raises:
        WeightsError: its record says what this version does not understand.
    """
    facts = facts_of(model)
    if facts is None and model.kind != MNIST_TRAIN:
        raise WeightsError(f"{model.id}: this version has no networks of the kind {model.kind[:80]!r}")
    if facts is None:
        return trained(model.id, "trained here")
    if facts.root not in NETWORKS:
        raise WeightsError(f"{model.id}: its root, {facts.root[:80]}, is no network of this version")
    return finetuned(model.id, NETWORKS[facts.root], facts.classes)


def facts_of(model: TrainedModel) -> Finetuned | None:
    """Read what a fine-tuned model is; None for any other.

    Raises:
        WeightsError: as `network_of`.
    """
    if model.kind != FINETUNE:
        return None
    try:
        return Finetuned.of(model)
    except ValueError as error:
        raise WeightsError(f"{model.id}: its record cannot be read: {error}") from error


def understood(model: TrainedModel) -> bool:
    """Whether this version knows what a model is."""
    try:
        network_of(model)
    except WeightsError:
        return False
    return True
