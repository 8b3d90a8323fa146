"""Which networks are loaded at the start, which when they are first asked, and who answers meanwhile."""

from __future__ import annotations

import contextlib

import pytest

from app.errors import NotFound, NotReady
from app.inference.classifier import Networks
from app.settings import Settings
from support.fake_networks import DummyRunner
from vision.networks.efficientnet_lite0 import LITE0
from vision.networks.vgg import VGG16, VGG19
from vision.networks.weights import FoundWeights

TABLE = {network.id: network for network in (VGG16, LITE0, VGG19)}  # whatever else is registered
WEIGHTS = FoundWeights(None, "random", None, verified=False, size=None)


def ids(networks: Networks) -> list[str]:
    """Name every network, in the order in which they are told."""
    return list(networks.slots)


@pytest.mark.parametrize(
    ("models", "stand_in", "at_start", "others"),
    [
        ("vgg16", True, ["vgg16", "efficientnet-lite0"], ["vgg19"]),
        ("vgg16", False, ["vgg16"], ["vgg19"]),
        ("vgg16,vgg19", True, ["vgg16", "vgg19", "efficientnet-lite0"], []),
        ("vgg19", True, ["vgg19", "efficientnet-lite0"], ["vgg16"]),
        ("efficientnet-lite0", True, ["efficientnet-lite0"], ["vgg16", "vgg19"]),
        ("vgg19,efficientnet-lite0", False, ["vgg19", "efficientnet-lite0"], ["vgg16"]),
    ],
)
def test_networks(models: str, stand_in: bool, at_start: list[str], others: list[str]) -> None:
    """What is listed is loaded at the start, and who stands in; any other whose weights can be fetched waits."""
    networks = Networks(Settings(models=models, stand_in=stand_in), table=TABLE)
    assert ids(networks) == at_start + others
    assert [served.network.id for served in networks.in_view] == at_start
    assert networks.primary.network.id == at_start[0]


def test_the_first_of_the_list_answers() -> None:
    """Who asks for nobody by name is answered by the first, whose stand-in is not needed then."""
    with contextlib.closing(Networks(Settings(models="vgg19,vgg16"))) as networks:
        networks.primary.serve(DummyRunner(), WEIGHTS)
        assert networks.choose(None).slot.network.id == "vgg19"
        assert networks.ready


def test_a_network_that_is_coming_is_waited_for() -> None:
    """The service is ready when each network is whose weights were there at the start, and not before."""
    with contextlib.closing(Networks(Settings(models="vgg16,vgg19"))) as networks:
        other = networks.find("vgg19")
        networks.coming = {networks.primary, other}
        networks.primary.serve(DummyRunner(), WEIGHTS)
        assert not networks.ready
        other.serve(DummyRunner(), WEIGHTS)
        assert networks.ready


def test_without_anybody_who_loads_it() -> None:
    """A network that waits to be asked says so, and no other answers for it."""
    with contextlib.closing(Networks(Settings())) as networks:
        networks.primary.serve(DummyRunner(), WEIGHTS)
        with pytest.raises(NotReady, match="VGG-19 is loaded when it is first asked"):
            networks.choose("vgg19")


def test_no_such_network() -> None:
    """A name that is none of the table's is not found; the stand-in that is switched off neither."""
    networks = Networks(Settings(stand_in=False), table=TABLE)
    for name in ("resnet", "efficientnet-lite0"):
        with pytest.raises(NotFound, match="The models are: vgg16, vgg19"):
            networks.choose(name)
