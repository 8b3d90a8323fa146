"""The pretrained networks that this version serves, and their roles."""

from __future__ import annotations

from vision.networks.efficientnet_lite0 import LITE0
from vision.networks.network import Network
from vision.networks.vgg import VGG16, VGG19

__all__ = ["DEFAULT", "NETWORKS", "STAND_IN", "Network"]

DEFAULT = VGG16  # answers `/classify` unless BESTGUESS_MODELS names another
STAND_IN = LITE0  # answers in its place until it is ready: its weights come with an installed package

NETWORKS = {network.id: network for network in (VGG16, LITE0, VGG19)}
