import asyncio
import contextlib
import hashlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from app.inference import loader
from app.inference.classifier import Networks
from app.inference.loader import Loader, WeightsSource
from app.settings import Settings
from support.small_vgg import SMALL_VGG
from vision.networks import applications
from vision.networks.efficientnet_lite0 import LITE0
from vision.networks.registry import Network
from vision.networks.weights import FoundWeights, WeightsFile

CONTENT = b"stands for the weights"
FILE = WeightsFile(
    "small.h5",
    len(CONTENT),
    hashlib.md5(CONTENT, usedforsecurity=False).hexdigest(),
    "small.h5",
    "vgg16",
    has_path=True,
    contents=(),
)
CARRIED = FoundWeights(None, "imagenet", None, verified=True, size=None)
STAND_IN = replace(
    SMALL_VGG,
    id=LITE0.id,
    title=LITE0.title,
    carried=lambda: CARRIED,
    load=lambda model, _: applications.randomise(model, 0),
)


def published(load: Callable[[Any, Path | None], None]) -> Network:
    """Make a network whose weights have to be fetched, quick to build."""
    return replace(SMALL_VGG, id="vgg16", title="VGG16", weights=FILE, load=load)


def settings(folder: Path, **more: object) -> Settings:
    """Make settings under which nothing can be fetched."""
    return Settings(data_dir=folder, mirror="http://127.0.0.1:9", precision="float32", **more)


@pytest.fixture(autouse=True)
def _no_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loader, "LOOK_AGAIN", 0.1)


async def until(condition: Callable[[], bool], seconds: float = 60) -> None:
    """Wait for a condition."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - a status is a value that changes
            await asyncio.sleep(0.05)


@pytest.mark.parametrize("place", ["weights", "keras/models"])
def test_a_file_put_there_by_hand_is_noticed(tmp_path: Path, place: str) -> None:
    """While the download is tried in vain, a file that appears in either place is used, without a restart."""
    networks = Networks(
        settings(tmp_path, stand_in=False), published(lambda model, _: applications.randomise(model, 0))
    )

    async def run() -> None:
        loading = Loader(networks, settings(tmp_path))
        task = asyncio.create_task(loading.run())
        await until(lambda: networks.primary.status.trouble is not None)
        folder = tmp_path / place
        folder.mkdir(parents=True, exist_ok=True)
        (folder / FILE.name).write_bytes(CONTENT)
        await until(lambda: networks.primary.ready)
        await task

    with contextlib.closing(networks):
        asyncio.run(run())
    assert networks.primary.weights is not None
    assert networks.primary.weights.verified


def test_weights_that_give_no_numbers_are_refused(tmp_path: Path) -> None:
    """A file whose numbers make no finite scores fails to load, instead of answering with nothing."""

    def load(model: Any, _: Path | None) -> None:  # noqa: ANN401 - Keras has no types
        applications.randomise(model, 0)
        kernel, bias = model.get_layer("predictions").get_weights()
        model.get_layer("predictions").set_weights([np.full_like(kernel, np.nan), bias])

    (tmp_path / "weights").mkdir()
    (tmp_path / "weights" / FILE.name).write_bytes(CONTENT)
    networks = Networks(settings(tmp_path, stand_in=False), published(load))
    asyncio.run(Loader(networks, settings(tmp_path)).run())
    assert networks.primary.status.state == "failed"
    assert "not finite" in (networks.primary.status.trouble or "")


def test_a_wrong_file_is_refused(tmp_path: Path) -> None:
    """A file that is no weights file is named with what is wrong with it, and the stand-in answers."""
    foreign = tmp_path / "foreign.h5"
    foreign.write_bytes(b"not HDF5 at all")
    chosen = settings(tmp_path, weights=str(foreign))
    networks = Networks(chosen, stand_in=STAND_IN)
    with contextlib.closing(networks):
        asyncio.run(Loader(networks, chosen).run())
        status = networks.primary.status
        assert status.state == "failed"
        assert "foreign.h5" in (status.trouble or "")
        choice = networks.choose(None)
        assert (choice.slot.network.id, choice.stand_in_for) == (LITE0.id, "vgg16")
        assert "cannot be used" in (choice.reason or "")


def test_random_weights(tmp_path: Path) -> None:
    """With BESTGUESS_WEIGHTS=random the network itself answers, and says that it has learned nothing."""
    chosen = settings(tmp_path, weights="random")
    networks = Networks(chosen, published(lambda *_: pytest.fail("there is no file to load")), stand_in=STAND_IN)
    with contextlib.closing(networks):
        asyncio.run(Loader(networks, chosen).run())
        choice = networks.choose(None)
        assert (choice.slot.network.id, choice.stand_in_for) == ("vgg16", None)
        assert choice.slot.weights is not None
        assert choice.slot.weights.origin == "random"
        assert "its guesses mean nothing" in choice.slot.status.detail


def test_a_stand_in_that_is_damaged_is_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A stand-in whose weights are not the published ones has failed, says why, and is logged."""

    def damaged() -> Any:  # noqa: ANN401 - it never returns
        raise ValueError("another SHA-256")

    networks = Networks(settings(tmp_path), stand_in=replace(STAND_IN, carried=damaged))
    assert networks.stand_in is not None

    async def run() -> None:
        loading = Loader(networks, settings(tmp_path))
        task = asyncio.create_task(loading.run())
        await until(lambda: networks.stand_in is not None and networks.stand_in.status.state == "failed")
        loading.stop()
        await task

    asyncio.run(run())
    assert "another SHA-256" in (networks.stand_in.status.trouble or "")
    assert "could not be loaded" in caplog.text


def test_the_log_says_who_answers(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """When the stand-in takes over, the log says for whom, why, and what to do."""
    networks = Networks(settings(tmp_path), stand_in=STAND_IN)

    async def run() -> None:
        loading = Loader(networks, settings(tmp_path))
        task = asyncio.create_task(loading.run())
        await until(lambda: "answers in VGG16's place" in caplog.text)
        loading.stop()
        await task

    with contextlib.closing(networks):
        asyncio.run(run())
    assert "bestguess weights fetch" in caplog.text


def test_weights_that_cannot_be_looked_for(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Where looking for a network's weights fails as nobody foresaw, its status says so, and nothing else fails."""
    (tmp_path / "weights").mkdir()
    (tmp_path / "weights" / FILE.name).write_bytes(CONTENT)
    served = Networks(settings(tmp_path)).primary
    nameless = replace(FILE, size="unknown")  # type: ignore[arg-type]
    assert asyncio.run(WeightsSource(served, nameless, settings(tmp_path)).find()) is None
    assert served.status.state == "failed"
    assert "cannot be looked for" in caplog.text
