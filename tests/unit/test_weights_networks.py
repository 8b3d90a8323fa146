"""The weights of several networks: which file is whose, and what BESTGUESS_WEIGHTS means to each."""

from __future__ import annotations

import ast
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from support.weights_files import SMALL, official, write_official
from vision.networks import keras_h5
from vision.networks.registry import NETWORKS
from vision.networks.vgg import VGG16, VGG16_WEIGHTS, VGG19, VGG19_WEIGHTS
from vision.networks.weights import WeightsError, WeightsMissing, find, identify, named, verify

if TYPE_CHECKING:
    from vision.networks.network import Network
    from vision.networks.weights import WeightsFile


@pytest.fixture(autouse=True)
def _no_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))


@pytest.fixture
def other(tmp_path: Path) -> WeightsFile:
    """Write what the tests take for the official file of a network that a path to a file does not mean."""
    return replace(official(tmp_path / "source.h5"), name="other.h5", network="vgg19", has_path=False)


def test_vgg16_layers() -> None:
    """VGG16 has 16 layers with weights and 138,357,544 parameters, from a picture of 224 to 1,000 classes."""
    assert [layer.name for layer in VGG16.layers[-5:]] == ["block5_conv2", "block5_conv3", "fc1", "fc2", "predictions"]
    assert sum(layer.parameters for layer in VGG16.layers) == 138_357_544
    assert (VGG16.layers[0].output, VGG16.layers[12].output) == ((224, 224, 64), (14, 14, 512))
    assert VGG16.layers[13].kernel == (25088, 4096)


def test_address_of_vgg16s_official_file() -> None:
    """A mirror keeps the paths of Keras's own store."""
    remote = VGG16_WEIGHTS.at("https://mirror.example/keras/")
    name = "vgg16_weights_tf_dim_ordering_tf_kernels.h5"
    assert remote.url == f"https://mirror.example/keras/keras-applications/vgg16/{name}"
    assert (remote.size, remote.algorithm) == (553_467_096, "md5")


def test_vgg19_layers() -> None:
    """VGG-19 has 19 layers with weights and 143,667,240 parameters: a fourth convolution in each of three blocks."""
    assert len(VGG19.layers) == 19
    assert sum(layer.parameters for layer in VGG19.layers) == 143_667_240
    more = {layer.name for layer in VGG19.layers} - {layer.name for layer in VGG16.layers}
    assert more == {"block3_conv4", "block4_conv4", "block5_conv4"}
    assert NETWORKS["vgg19"].parameters == 143_667_240


def test_address_of_the_official_file() -> None:
    """A mirror keeps the paths of Keras's own store, for VGG-19 as well."""
    remote = VGG19_WEIGHTS.at("https://mirror.example/keras")
    name = "vgg19_weights_tf_dim_ordering_tf_kernels.h5"
    assert remote.url == f"https://mirror.example/keras/keras-applications/vgg19/{name}"
    assert (remote.size, remote.digest) == (574_710_816, "cbe5617147190e668d6c5d5026f83318")


@pytest.mark.parametrize("file", [VGG16_WEIGHTS, VGG19_WEIGHTS], ids=lambda file: file.network)
def test_the_official_files_are_keras_own(file: WeightsFile) -> None:
    """Address and hash are those that Keras's source has, and the size is that of the numbers with a little around."""
    keras = find_spec("keras")  # which does not import it
    assert keras
    assert keras.origin
    path = Path(keras.origin).parent / "src" / "applications" / f"{file.network}.py"
    source = ast.parse(path.read_text(encoding="utf-8"))
    (address,) = (
        node.value
        for node in ast.walk(source)
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "WEIGHTS_PATH"
    )
    (fetched,) = (
        {each.arg: each.value for each in node.keywords}
        for node in ast.walk(source)
        if isinstance(node, ast.Call) and "WEIGHTS_PATH" in map(ast.unparse, node.args)
    )
    remote = file.at("https://storage.googleapis.com/tensorflow")
    assert remote.url == ast.literal_eval(address)
    assert (remote.algorithm, remote.digest) == ("md5", ast.literal_eval(fetched["file_hash"]))
    assert 0 < file.size - 4 * NETWORKS[file.network].parameters < 50_000


def test_a_path_to_a_file_is_one_networks(other: WeightsFile, tmp_path: Path) -> None:
    """Where BESTGUESS_WEIGHTS names a file, that is VGG16's, and the other network's is looked for in its places."""
    setting = str(tmp_path / "source.h5")
    assert named(other, setting) is None
    assert find(other, setting, tmp_path / "data") is None
    found = find(replace(other, has_path=True), setting, tmp_path / "data")
    assert found
    assert found.path == tmp_path / "source.h5"


def test_a_folder_is_for_every_network(other: WeightsFile, tmp_path: Path) -> None:
    """In a folder each network's file has its official name, also where the weights are somebody's own."""
    with pytest.raises(WeightsMissing, match=r"other\.h5: not there\. Put an \.h5 that fits there under this name"):
        find(other, str(tmp_path), tmp_path / "data")
    write_official(tmp_path / "other.h5", SMALL, seed=8)
    found = find(other, str(tmp_path), tmp_path / "data")
    assert found
    assert (found.path, found.origin) == (tmp_path / "other.h5", "custom")


@pytest.mark.parametrize("trouble", ["missing", "folder", "damaged"])
def test_advice_is_what_the_setting_can_mean(other: WeightsFile, tmp_path: Path, trouble: str) -> None:
    """Advice on weights that cannot be used names a path only where BESTGUESS_WEIGHTS can be one to this file."""
    path = tmp_path / "other.h5"
    if trouble == "folder":
        path.mkdir()
    elif trouble == "damaged":
        path.write_bytes(b"no weights")
    in_a_folder, by_its_path = "Put an .h5 that fits there under this name", "Set BESTGUESS_WEIGHTS to an .h5 that fits"
    with pytest.raises(WeightsError, match=rf"\. {in_a_folder}, or set BESTGUESS_WEIGHTS=imagenet\.$"):
        identify(path, other)
    with pytest.raises(WeightsError, match=rf"\. {by_its_path}, or to imagenet\.$"):
        identify(path, replace(other, has_path=True))
    with pytest.raises(WeightsError, match=r"Name an existing \.h5\.$|downloads the right file\.$"):
        verify(path, other)  # a path that a person gave to the command


def test_weights_of_ones_own_are_told_where_they_can_serve(other: WeightsFile, tmp_path: Path) -> None:
    """A file that is not the official one can be named where the network's has a path, and else lies in a folder."""
    path = tmp_path / "mine.h5"
    write_official(path, SMALL, seed=8)
    with pytest.raises(WeightsError, match=rf"usable only as BESTGUESS_WEIGHTS={path}\. "):
        verify(path, replace(other, has_path=True))
    with pytest.raises(WeightsError, match=r"usable only as BESTGUESS_WEIGHTS=FOLDER with other\.h5 in it\. "):
        verify(path, other)


def test_a_file_of_a_network_with_batch_normalisation(tmp_path: Path) -> None:
    """The files of our own that the tests take for official ones can be of any network: here scales are about 1."""
    layers = NETWORKS["efficientnet-lite0"].table.stored[:2]
    write_official(tmp_path / "other.h5", layers)
    _, norm = keras_h5.read(tmp_path / "other.h5", layers)
    means = {name: round(float(array.mean()), 1) for name, array in norm.arrays.items()}
    assert means == {"gamma": 1, "beta": 0, "moving_mean": 0, "moving_variance": 1}


def test_words_name_no_file(other: WeightsFile) -> None:
    """`imagenet` and `random` are no paths, whatever lies around."""
    assert named(other, "imagenet") is named(other, "random") is None


@pytest.mark.parametrize("network", NETWORKS.values(), ids=NETWORKS)
def test_each_network_can_be_loaded(network: Network) -> None:
    """Each has weights to fetch or to carry, without which it would wait for ever, and a table of its layers."""
    assert network.weights or network.carried
    assert network.layers


def test_load_without_a_file() -> None:
    """Loading VGG-19 without a file says which command gets it."""
    with pytest.raises(WeightsError, match=r"vgg19_weights.*`bestguess weights fetch --model vgg19`"):
        VGG19.load(None, None)
