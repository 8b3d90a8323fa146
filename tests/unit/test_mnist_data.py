import hashlib
import io
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from jobs.settings import WorkerSettings
from support.file_server import Answer, FileServer
from support.worker_processes import timed
from vision.files import RemoteFile
from worker.errors import DatasetUnavailable, Stopped
from worker.mnist.data import Digits, fetch, find, load_mnist, read
from worker.mnist.job import load

NO_MIRROR = "http://127.0.0.1:9"  # the discard port: refused at once
MNIST = Path(__file__).parents[3] / "shared" / "data" / "mnist.npz"


@pytest.fixture(autouse=True)
def _no_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))


def _arrays(**changed: NDArray[np.generic]) -> dict[str, NDArray[np.generic]]:
    random = np.random.default_rng(0)
    arrays: dict[str, NDArray[np.generic]] = {}
    for part, count in (("train", 20), ("test", 10)):
        arrays[f"x_{part}"] = random.integers(256, size=(count, 28, 28), dtype=np.uint8)
        arrays[f"y_{part}"] = np.arange(count, dtype=np.uint8) % 10
    return arrays | changed


def _write(path: Path, **changed: NDArray[np.generic]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(path, **_arrays(**changed))  # type: ignore[arg-type]
    return path


def _load(tmp_path: Path, setting: Path | None = None, mirror: str = NO_MIRROR) -> Digits:
    return load_mnist(setting, tmp_path / "data", mirror, lambda: False)


def test_given_path(tmp_path: Path) -> None:
    """The file that BESTGUESS_MNIST names is read, and is not taken for the official one."""
    digits = _load(tmp_path, _write(tmp_path / "own.npz"))
    assert (digits.name, digits.official) == ("mnist", False)
    assert (digits.x_train.shape, digits.y_train.shape, digits.x_test.shape) == ((20, 28, 28), (20,), (10, 28, 28))
    assert digits.sha256["y_test"] == hashlib.sha256(bytes(range(10))).hexdigest()


def test_places(tmp_path: Path) -> None:
    """The data folder comes before Keras's cache, and the cache before the network."""
    _write(tmp_path / "keras" / "datasets" / "mnist.npz", y_test=np.zeros(10, np.uint8))
    assert _load(tmp_path).y_test.max() == 0
    _write(tmp_path / "data" / "datasets" / "mnist.npz")
    assert _load(tmp_path).y_test.max() == 9


def test_broken_file_is_passed_over(tmp_path: Path) -> None:
    """A file in the data folder that cannot be used is no hindrance while there is another, and an error else."""
    broken = tmp_path / "data" / "datasets" / "mnist.npz"
    broken.parent.mkdir(parents=True)
    broken.write_bytes(b"PK\x03\x04 and no more")
    with pytest.raises(DatasetUnavailable, match=str(broken)):
        _load(tmp_path)
    _write(tmp_path / "keras" / "datasets" / "mnist.npz")
    assert len(_load(tmp_path).x_train) == 20


def test_no_network(tmp_path: Path) -> None:
    """Where MNIST is nowhere and cannot be fetched, the training fails at once and says the three things to do."""
    with pytest.raises(DatasetUnavailable) as caught:
        _load(tmp_path)
    assert caught.value.code == "dataset-unavailable"
    folder = str(tmp_path / "data" / "datasets" / "mnist.npz")
    assert all(hint in str(caught.value) for hint in ("BESTGUESS_MNIST", folder, "synthetic-digits"))


@pytest.mark.parametrize("answer", [Answer(status=404), Answer(status=503), Answer(body=b"another file")])
def test_server_without_the_file(tmp_path: Path, answer: Answer) -> None:
    """A server that refuses, is busy or has another file is asked once, and no file is left behind."""
    with FileServer(b"", answer) as server, pytest.raises(DatasetUnavailable, match="cannot be downloaded"):
        _load(tmp_path, mirror=server.url)
    assert len(server.requests) == 1
    assert not (tmp_path / "data" / "datasets" / "mnist.npz").exists()


def test_download(tmp_path: Path) -> None:
    """What is downloaded is verified and then stands where the next training finds it."""
    buffer = io.BytesIO()
    np.savez(buffer, **_arrays())  # type: ignore[arg-type]
    target = tmp_path / "data" / "datasets" / "mnist.npz"
    with FileServer(buffer.getvalue()) as server:
        digest = hashlib.sha256(buffer.getvalue()).hexdigest()
        fetch(RemoteFile(f"{server.url}/mnist.npz", None, "sha256", digest), target, lambda: False)
    assert len(_load(tmp_path).x_test) == 10


def test_stopped_download(tmp_path: Path) -> None:
    """A download ends within two seconds when its training is told to stop, also while the server is silent."""
    silence = threading.Event()
    with FileServer(b"digits", Answer(cut=3, hold=silence)) as server:
        settings = WorkerSettings(data_dir=tmp_path, mirror=server.url)
        try:
            with timed(2), pytest.raises(Stopped):
                load("mnist", settings, lambda: bool(server.requests))
        finally:
            silence.set()


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"x_train": np.zeros((20, 28, 28), np.float32)}, "x_train is float32"),
        ({"x_test": np.zeros((10, 784), np.uint8)}, "shape"),
        ({"y_test": np.zeros((10, 1), np.uint8)}, "shape"),
        ({"y_train": np.full(20, 10, np.uint8)}, "labels from 10 to 10"),
        ({"y_train": np.full(20, -1)}, "labels from -1"),
        ({"y_train": np.zeros(20, np.float32)}, "whole numbers"),
        ({"y_train": np.zeros(19, np.uint8)}, "20 images and 19 labels"),
        ({"x_test": np.zeros((0, 28, 28), np.uint8), "y_test": np.zeros(0, np.uint8)}, "0 images"),
        ({"y_test": np.array(3, np.uint8)}, "10 images and 1 labels"),
        ({"y_test": np.array([None] * 10)}, "allow_pickle=False"),
    ],
)
def test_wrong_arrays(tmp_path: Path, changed: dict[str, NDArray[np.generic]], message: str) -> None:
    """Arrays of a wrong type, shape, length or range are refused by name, and never unpickled."""
    with pytest.raises(DatasetUnavailable, match=message):
        read(_write(tmp_path / "mnist.npz", **changed))


def test_labels_of_another_whole_type(tmp_path: Path) -> None:
    """Labels may be any whole numbers from 0 to 9; they become bytes."""
    digits = read(_write(tmp_path / "mnist.npz", y_train=np.arange(20) % 10))
    assert digits.y_train.dtype == np.uint8


def test_wrong_files(tmp_path: Path) -> None:
    """What is no .npz, lacks an array, is a folder or is not there is refused with what to do."""
    single, lacking, folder = tmp_path / "one.npz", tmp_path / "lacking.npz", tmp_path / "folder"
    with single.open("wb") as file:
        np.save(file, np.zeros(3))
    np.savez(lacking, x_train=np.zeros(3))
    folder.mkdir()
    cases = (single, "one array"), (lacking, "lacks y_train, x_test, y_test"), (folder, "cannot be read")
    for path, message in (*cases, (tmp_path / "absent.npz", "not there")):
        with pytest.raises(DatasetUnavailable, match=message) as caught:
            find(path, tmp_path)
        assert "BESTGUESS_MNIST" in str(caught.value)


def test_importing_loads_no_tensorflow() -> None:
    """TensorFlow is loaded when a network is made, never by importing the training or its benchmark."""
    module = "benchmarks.training"
    code = f"import sys, {module}; print([name for name in ('tensorflow', 'keras') if name in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_official() -> None:
    """The real MNIST is recognised by the hashes of its arrays."""
    if not MNIST.exists():
        pytest.skip(f"MNIST is not at {MNIST}")
    digits = read(MNIST)
    assert digits.official
    assert (len(digits.x_train), len(digits.x_test)) == (60_000, 10_000)
