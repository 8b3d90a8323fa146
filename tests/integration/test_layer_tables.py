"""The tables of layers that are read without Keras are those of the Keras graphs."""

from pathlib import Path

import keras
import pytest

from support.small_vgg import SMALL_VGG
from vision.digits import network as digits
from vision.networks.layers import describe, write
from vision.networks.network import Network
from vision.networks.registry import NETWORKS
from vision.networks.table import read_table


@pytest.mark.parametrize("network", [*NETWORKS.values(), SMALL_VGG], ids=lambda network: network.id)
def test_tables_are_those_of_the_graphs(network: Network) -> None:
    """Layers, what they store, and the cuts are what `python -m vision.networks.layers` would write today."""
    assert describe(network.build("float32"), network.cuts_at) == network.table


def test_digits() -> None:
    """So are the layers of a network of digits."""
    assert describe(digits.build(0.0)).layers == digits.LAYERS


def test_a_layer_of_an_unknown_kind() -> None:
    """A layer with a kernel that the tables have no kind for is refused by name: it is no batch normalisation."""
    pixels = keras.Input((8, 8, 3))
    features = keras.layers.SeparableConv2D(4, 3, name="apart")(keras.layers.Conv2D(4, 3)(pixels))
    model = keras.Model(pixels, keras.layers.Dense(10)(keras.layers.GlobalAveragePooling2D()(features)))
    with pytest.raises(
        ValueError, match=r"layer apart \(SeparableConv2D\) .*depthwise_kernel.* Add the kind to vision/networks/"
    ):
        describe(model)


def test_a_table_is_read_as_it_was_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A table survives its file."""
    (tmp_path / "tables").mkdir()
    write(SMALL_VGG.table, tmp_path / "tables" / "small-vgg.json")
    monkeypatch.setattr("vision.networks.table.files", lambda _: tmp_path)
    assert read_table("small-vgg") == SMALL_VGG.table
