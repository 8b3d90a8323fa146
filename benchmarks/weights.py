"""The weights to measure with: those that the service would use, else ones made up, which cost the same arithmetic."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.problems import Refused
from vision.weights import FoundWeights, WeightsError, find

if TYPE_CHECKING:
    from app.settings import Settings
    from vision.networks import Network

MADE_UP = FoundWeights(None, "random", None, verified=False, size=None)


def weights_for(network: Network, settings: Settings) -> FoundWeights:
    """Find a network's weights without fetching any.

    Raises:
        Refused: the file that was asked for, or found, cannot be used.
    """
    try:
        if network.carried:
            return network.carried()
        if network.weights:
            return find(network.weights, settings.weights, settings.data_dir) or MADE_UP
    except WeightsError as error:
        raise Refused(" ".join(str(error).split())) from None
    return MADE_UP


def described(weights: FoundWeights) -> str:
    """Say in words what they are."""
    words = {"imagenet": "its official ImageNet weights", "custom": "weights of your own"}
    return words.get(weights.origin, "random weights (the arithmetic is the same; its guesses mean nothing)")
