"""Where a worker has a pretrained network's weights from."""

import threading
from dataclasses import replace
from pathlib import Path

import pytest

from jobs.settings import WorkerSettings
from support.file_server import Answer, FileServer
from support.weights_files import official
from support.worker_processes import timed
from vision.networks.efficientnet_lite0 import LITE0
from vision.networks.registry import Network
from vision.networks.vgg import VGG16
from worker.errors import Stopped
from worker.finetune.weights import WeightsUnavailable, root_weights

NO_MIRROR = "http://127.0.0.1:9"  # the discard port: refused at once


@pytest.fixture(autouse=True)
def _no_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))


@pytest.fixture
def network(tmp_path: Path) -> Network:
    """Name a network whose official file is small."""
    return replace(VGG16, weights=official(tmp_path / "mirror.h5"))


def _settings(tmp_path: Path, **values: str) -> WorkerSettings:
    return WorkerSettings(data_dir=tmp_path / "data", **({"mirror": NO_MIRROR} | values))


def test_those_that_are_carried() -> None:
    """EfficientNet-Lite0's are installed: nothing is looked for or fetched."""
    found = root_weights(LITE0, WorkerSettings(mirror=NO_MIRROR), lambda: False)
    assert (found.origin, found.verified) == ("imagenet", True)


def test_random_ones_are_called_so(tmp_path: Path, network: Network) -> None:
    """Where the service is told to make weights up, so is a worker, and what comes of it says so."""
    assert root_weights(network, _settings(tmp_path, weights="random"), lambda: False).origin == "random"


def test_missing_ones_are_fetched(tmp_path: Path, network: Network) -> None:
    """They are downloaded into the data folder, verified, and found there the next time."""
    with FileServer((tmp_path / "mirror.h5").read_bytes()) as server:
        found = root_weights(network, _settings(tmp_path, mirror=server.url), lambda: False)
    assert (found.origin, found.verified, found.path) == ("imagenet", True, tmp_path / "data" / "weights" / "small.h5")
    assert root_weights(network, _settings(tmp_path), lambda: False) == found


@pytest.mark.parametrize("answers", [[Answer(status=404)], [Answer(status=503)], [Answer(cut=100)]])
def test_what_cannot_be_had_is_told(tmp_path: Path, network: Network, answers: list[Answer]) -> None:
    """The first attempt that fails is the last, and the message says what to do."""
    with (
        FileServer((tmp_path / "mirror.h5").read_bytes(), *answers) as server,
        pytest.raises(WeightsUnavailable, match=r"bestguess weights fetch.*efficientnet-lite0") as caught,
    ):
        root_weights(network, _settings(tmp_path, mirror=server.url), lambda: False)
    assert caught.value.code == "weights-unavailable"


def test_a_file_that_does_not_fit(tmp_path: Path, network: Network) -> None:
    """A file of somebody's own that is another network's is told of by its name."""
    (tmp_path / "own.h5").write_bytes(b"no weights")
    with pytest.raises(WeightsUnavailable, match=r"own\.h5"):
        root_weights(network, _settings(tmp_path, weights=str(tmp_path / "own.h5")), lambda: False)


def test_a_cancel_ends_the_download(tmp_path: Path, network: Network) -> None:
    """Who cancels the job waits neither for half a gigabyte nor for a server that is silent."""
    silence = threading.Event()
    with FileServer((tmp_path / "mirror.h5").read_bytes(), Answer(cut=100, hold=silence)) as server:
        try:
            with timed(2), pytest.raises(Stopped):
                root_weights(network, _settings(tmp_path, mirror=server.url), lambda: bool(server.requests))
        finally:
            silence.set()
