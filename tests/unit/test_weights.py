from __future__ import annotations

import logging
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import h5py
import pytest

from support.weights_files import SMALL, layer, official, write_official
from vision.networks.random_weights import write_random
from vision.networks.vgg import VGG16
from vision.networks.weights import (
    FoundWeights,
    WeightsError,
    WeightsFile,
    WeightsMissing,
    find,
    identify,
    places,
    verify,
)


@pytest.fixture
def data_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Name a data folder, beside an empty cache of Keras's."""
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    return tmp_path / "data"


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Name a file outside the places where weights are looked for."""
    return tmp_path / "source.h5"


@pytest.fixture
def file(source: Path) -> WeightsFile:
    """Write what the tests take for the official file."""
    return official(source)


def _put(source: Path, place: Path) -> Path:
    place.parent.mkdir(parents=True)
    return Path(shutil.copy(source, place))


def test_nowhere(file: WeightsFile, data_dir: Path) -> None:
    """Where the official file is nowhere nothing is found, which is no error."""
    assert find(file, "imagenet", data_dir) is None


def test_random(file: WeightsFile, data_dir: Path) -> None:
    """Random weights are made up in memory."""
    assert find(file, "random", data_dir) == FoundWeights(None, "random", None, verified=False, size=None)


@pytest.mark.parametrize("place", [0, 1])
def test_in_its_place(file: WeightsFile, source: Path, data_dir: Path, place: int) -> None:
    """The official file is found in the data folder and in Keras's cache, and verified."""
    path = _put(source, places(file, data_dir)[place])
    assert find(file, "imagenet", data_dir) == FoundWeights(
        path, "imagenet", f"md5:{file.md5}", verified=True, size=file.size
    )


def test_keras_cache_of_the_user(file: WeightsFile, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without KERAS_HOME Keras's cache is in the user's home."""
    monkeypatch.delenv("KERAS_HOME", raising=False)
    monkeypatch.setenv("HOME", "/home/somebody")
    assert places(file, Path("var"))[1] == Path("/home/somebody/.keras/models/small.h5")


def test_bad_one_and_good_one(
    file: WeightsFile, source: Path, data_dir: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A bad file in the data folder is reported, and the good one in Keras's cache used."""
    first, second = places(file, data_dir)
    first.parent.mkdir(parents=True)
    first.write_bytes(b"<html>")
    _put(source, second)
    with caplog.at_level(logging.WARNING):
        found = find(file, "imagenet", data_dir)
    assert found
    assert found.path == second
    assert f"{first}: 6 bytes where {file.size:,} are expected; not an HDF5 file" in caplog.text


def test_truncated(file: WeightsFile, source: Path, data_dir: Path) -> None:
    """A file that was cut short is refused with both sizes."""
    path = _put(source, places(file, data_dir)[0])
    path.write_bytes(source.read_bytes()[:-1000])
    with pytest.raises(WeightsError, match=rf"{file.size - 1000:,} bytes where {file.size:,} .* truncated or damaged"):
        find(file, "imagenet", data_dir)


def test_wrong_hash(file: WeightsFile, source: Path) -> None:
    """A file of the right size and layout but other numbers is refused with both hashes, and told how it can serve."""
    with h5py.File(source, "r+") as content:
        content["fc/fc_b_1:0"][0] = 1.0
    with pytest.raises(WeightsError, match=f"MD5 .* where {file.md5} is expected; custom weights, usable only as"):
        verify(source, file)


def test_random_file_is_not_official(file: WeightsFile, source: Path) -> None:
    """A file of random weights in the official one's place is called what it is."""
    write_random(source, SMALL, 3, force=True)
    with pytest.raises(WeightsError, match=r"random weights \(seed 3\)"):
        verify(source, file)


def test_missing(file: WeightsFile, tmp_path: Path) -> None:
    """A path where nothing is has an error of its own."""
    with pytest.raises(WeightsMissing, match=r"nothing\.h5: not there"):
        find(file, str(tmp_path / "nothing.h5"), tmp_path)


def test_path_that_cannot_be_read(file: WeightsFile) -> None:
    """A path that the system refuses is reported with the system's reason."""
    with pytest.raises(WeightsError, match=r"cannot be read \(File name too long\)"):
        find(file, "x" * 300, Path("var"))


def test_home_of_nobody(file: WeightsFile) -> None:
    """A user's home that is not known is no crash."""
    with pytest.raises(WeightsMissing, match=r"^~nobody-of-this-name/a\.h5: not there"):
        find(file, "~nobody-of-this-name/a.h5", Path("var"))


@pytest.mark.parametrize("path", ["/", "/dev/zero"])
def test_no_file(file: WeightsFile, path: str) -> None:
    """A folder or a device is refused, not read."""
    with pytest.raises(WeightsError, match="a folder or a device"):
        identify(Path(path), file)


def test_official_file_at_a_path(file: WeightsFile, source: Path, data_dir: Path) -> None:
    """The official file is known as such wherever it is."""
    found = find(file, str(source), data_dir)
    assert found == FoundWeights(source, "imagenet", f"md5:{file.md5}", verified=True, size=file.size)


def test_custom(file: WeightsFile, source: Path) -> None:
    """Other numbers in the network's layout are somebody's own weights, never the official ones."""
    write_official(source, SMALL, seed=8)
    found = identify(source, file)
    assert (found.origin, found.verified, found.path) == ("custom", False, source)
    assert found.hash != f"md5:{file.md5}"


def test_whole_model(file: WeightsFile, source: Path) -> None:
    """A file of a whole model, as Keras's model.save writes it, is read for its weights."""
    with h5py.File(source, "r+") as content:
        group = content.create_group("model_weights")
        group.attrs["layer_names"] = content.attrs["layer_names"]
        del content.attrs["layer_names"]
        for name in [name for name in content if name != "model_weights"]:
            content.move(name, f"model_weights/{name}")
    assert identify(source, file).origin == "custom"


def test_random_file(file: WeightsFile, source: Path) -> None:
    """A file that was written as random says so for ever."""
    write_random(source, SMALL, 3, force=True)
    assert identify(source, file).origin == "random"


def test_not_hdf5(file: WeightsFile, source: Path) -> None:
    """A file of another kind is refused as such."""
    source.write_bytes(b"PK\x03\x04")
    with pytest.raises(WeightsError, match=r"source\.h5: not an HDF5 file\. Set BESTGUESS_WEIGHTS"):
        identify(source, file)


def test_other_layout(file: WeightsFile, source: Path) -> None:
    """An HDF5 file of another layout, as Keras 3's .weights.h5, is refused with what is missing."""
    with h5py.File(source, "w") as content:
        content.create_group("layers")
    with pytest.raises(WeightsError, match=r"no `layer_names`: not Keras's legacy layout"):
        identify(source, file)


def test_missing_layer(file: WeightsFile, source: Path) -> None:
    """A file that lacks layers is refused, with their names."""
    write_official(source, SMALL[:2])
    with pytest.raises(WeightsError, match="2 layers with weights where 4 are expected: fc, predictions missing"):
        identify(source, file)


def test_listed_layer_is_not_there(file: WeightsFile, source: Path) -> None:
    """A file whose list names a layer that it does not have is refused."""
    with h5py.File(source, "r+") as content:
        del content["conv2"]
    with pytest.raises(WeightsError, match="layer conv2 missing"):
        identify(source, file)


def test_other_shape(file: WeightsFile, source: Path) -> None:
    """A layer of another shape is named, with both shapes."""
    write_official(source, [*SMALL[:3], layer("predictions", 32, 11)])
    message = r"layer predictions has the shapes \(32, 11\) and \(11,\) where \(32, 10\) and \(10,\) are expected"
    with pytest.raises(WeightsError, match=message):
        identify(source, file)


def test_whole_numbers(file: WeightsFile, source: Path) -> None:
    """A layer of whole numbers is refused."""
    with h5py.File(source, "r+") as content:
        del content["fc/fc_W_1:0"]
        content["fc/fc_W_1:0"] = [[0] * 32] * 64
    with pytest.raises(WeightsError, match="layer fc has numbers of the type int64"):
        identify(source, file)


def test_damaged(file: WeightsFile, source: Path) -> None:
    """Damage in what describes the file is reported, not raised as it comes."""
    content = bytearray(source.read_bytes())
    content[96:800] = bytes(704)
    source.write_bytes(content)
    with pytest.raises(WeightsError, match="truncated or damaged"):
        identify(source, file)


def test_official_needs_no_layout(source: Path, file: WeightsFile) -> None:
    """Size and MD5 decide: what our idea of the layout is cannot shut out the official file."""
    assert verify(source, replace(file, contents=SMALL[:1])).verified


def test_load_without_a_file() -> None:
    """Loading VGG16 without a file says what to do."""
    with pytest.raises(WeightsError, match="bestguess weights fetch"):
        VGG16.load(None, None)


def test_no_tensorflow() -> None:
    """Knowing, finding and downloading weights imports neither TensorFlow nor Keras."""
    modules = "vision.networks.vgg, vision.download, bestguess.cli.weights"
    code = f"import sys, {modules}; print({{'tensorflow', 'keras'}} & {{*sys.modules}})"
    assert subprocess.check_output([sys.executable, "-c", code], text=True) == "set()\n"
