"""Networks beside VGG16: loaded at the start where they are listed, else when they are first asked."""

import asyncio
import contextlib
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import keras
import pytest

from app.dependencies import State
from app.errors import NotEnoughMemory, NotReady, Problem
from app.inference.admission import Choice
from app.inference.classifier import Networks
from app.inference.loader import Loader
from app.main import running
from app.settings import Settings
from support.images import encoded, noise
from support.live_server import ready, served
from support.waiting import COSTLY, wait_until
from vision.engines.tensorflow import memory_to_load
from vision.networks.efficientnet_lite0 import LITE0
from vision.networks.registry import NETWORKS
from vision.networks.vgg import VGG19
from vision.networks.weights import WeightsFile

PICTURE = {"file": encoded(noise((300, 200)), "JPEG")}
CONTENT = b"stands for the weights"
MD5 = hashlib.md5(CONTENT, usedforsecurity=False).hexdigest()
FILE = WeightsFile("small.h5", len(CONTENT), MD5, "small.h5", "vgg19", contents=())


def build(dtype: str) -> keras.Model:
    """Make a network that is quick to load: VGG-19 is too large for a few tests of how it comes into memory."""
    pixels = keras.Input((224, 224, 3), dtype=dtype)
    return keras.Model(pixels, keras.layers.Dense(1000)(keras.layers.GlobalAveragePooling2D()(pixels)))


SMALL = replace(VGG19, weights=FILE, build=build, load=lambda *_: None, randomise=lambda *_: None)
LITE = replace(LITE0, build=build, load=lambda *_: None)
TABLE = NETWORKS | {"vgg19": SMALL, "efficientnet-lite0": LITE}


def settings(folder: Path, **more: object) -> Settings:
    """Make settings under which nothing can be fetched."""
    return Settings(data_dir=folder, mirror="http://127.0.0.1:9", precision="float32", **more)


@pytest.fixture(autouse=True)
def _no_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))


def put(folder: Path) -> None:
    """Put the file where it is looked for."""
    (folder / "weights").mkdir(exist_ok=True)
    (folder / "weights" / FILE.name).write_bytes(CONTENT)


def play(folder: Path, scene: Callable[[Networks, Loader], Awaitable[None]], **more: object) -> None:
    """Let a scene play with an networks and its loader."""

    async def run() -> None:
        with contextlib.closing(Networks(settings(folder, **more), table=TABLE)) as networks:
            loading = Loader(networks, settings(folder, **more))
            try:
                await scene(networks, loading)
            finally:
                loading.stop()

    asyncio.run(run())


async def until_it_answers(networks: Networks) -> tuple[Choice, list[str]]:
    """Ask until there is an answer; return it, and what was said before."""
    said: list[str] = []
    async with asyncio.timeout(120):
        while True:
            try:
                return networks.choose("vgg19"), said
            except Problem as error:
                said.append(str(error.detail))
                await asyncio.sleep(0.05)


def test_it_is_loaded_when_it_is_first_asked(tmp_path: Path) -> None:
    """The first question is told that the network is being loaded; a later one is answered."""
    put(tmp_path)

    async def scene(networks: Networks, _: Loader) -> None:
        choice, said = await until_it_answers(networks)
        assert choice.slot.weights
        assert choice.slot.weights.verified
        assert said[0] == "VGG-19 was asked for, and is being loaded."
        assert networks.find("vgg19") in networks.in_view

    play(tmp_path, scene)


def test_without_its_weights(tmp_path: Path) -> None:
    """Without its file the answer is what to do; once the file is there it is loaded, without a restart."""

    async def scene(networks: Networks, _: Loader) -> None:
        with pytest.raises(
            NotReady, match=r"weights are not here\. Run `bestguess weights fetch --model vgg19`"
        ) as told:
            networks.choose("vgg19")
        assert told.value.headers == {"Retry-After": "30"}
        put(tmp_path)
        choice, _ = await until_it_answers(networks)
        assert choice.slot.ready

    play(tmp_path, scene)


def test_a_wrong_file(tmp_path: Path) -> None:
    """A file that is not the official one is named with what is wrong, and not read again with each question."""
    put(tmp_path)
    (tmp_path / "weights" / FILE.name).write_bytes(b"<html>")

    async def scene(networks: Networks, _: Loader) -> None:
        served = networks.find("vgg19")
        with pytest.raises(NotReady):
            networks.choose("vgg19")
        async with asyncio.timeout(60):
            while served.status.state != "failed":  # noqa: ASYNC110 - a status is a value that changes
                await asyncio.sleep(0.05)
        for _ in range(3):
            with pytest.raises(NotReady, match="6 bytes where 22 are expected"):
                networks.choose("vgg19")
            assert served.status.state == "failed"

    play(tmp_path, scene)


def test_without_enough_memory(tmp_path: Path) -> None:
    """Where there is no room it is said, with what is needed and what there is; nothing is loaded until there is."""
    put(tmp_path)

    async def scene(networks: Networks, loading: Loader) -> None:
        free = memory_to_load(SMALL) - 1
        loading.on_demand.available = lambda: free
        with pytest.raises(
            NotEnoughMemory, match=r"There is no room for VGG-19\. It needs 2\.2 GB .* 2\.2 GB are free"
        ):
            networks.choose("vgg19")
        assert not networks.find("vgg19").ready
        free += 1
        choice, _ = await until_it_answers(networks)
        assert choice.slot.ready

    play(tmp_path, scene)


def test_listed(tmp_path: Path) -> None:
    """A network that is listed is loaded at the start, beside the one that answers, and ready means both."""
    put(tmp_path)

    async def scene(networks: Networks, loading: Loader) -> None:
        await loading.run()
        assert {served.network.id for served in networks.slots.values() if served.ready} == {
            "efficientnet-lite0",
            "vgg19",
        }
        assert networks.ready
        assert networks.choose(None).slot.network.id == "efficientnet-lite0"
        assert networks.choose("vgg19").slot.network.id == "vgg19"

    play(tmp_path, scene, models="efficientnet-lite0,vgg19")


def test_over_http(tmp_path: Path) -> None:
    """VGG-19 is known with its 19 weight layers at once, and answers every call once it has been loaded for the first.

    With BESTGUESS_WEIGHTS=random it has learned nothing, and says so.
    """
    chosen = settings(tmp_path, models="efficientnet-lite0", weights="random", decode_processes=1)

    @contextlib.asynccontextmanager
    async def resources(_: Settings) -> AsyncIterator[State]:
        async with running(chosen, Networks(chosen, table=TABLE)) as state:
            yield state

    with served(chosen, resources) as client:
        ready(client)
        found = client.get("/models/vgg19").json()
        assert (found["weight_layers"], len(found["layers"]), found["status"]["state"]) == (19, 19, "waiting")
        first = client.post("/models/vgg19/classify", files=PICTURE)
        assert (first.status_code, first.headers["Retry-After"]) == (503, "5")
        assert "being loaded" in first.json()["detail"]
        wait_until(lambda: client.get("/models/vgg19").json()["status"]["state"] == "ready", 120, COSTLY)
        answer = client.post("/models/vgg19/classify?top_k=3", files=PICTURE).json()
        named = {key: answer["model"][key] for key in ("id", "weights", "stand_in_for")}
        assert named == {"id": "vgg19", "weights": "random", "stand_in_for": None}
        assert (
            client.post("/classify?model=vgg19&top_k=3", files=PICTURE).json()["predictions"] == answer["predictions"]
        )
        batch = client.post("/classify/batch?model=vgg19&top_k=3", files=PICTURE).json()["results"]
        assert batch[0]["result"]["predictions"] == answer["predictions"]
        assert client.post("/classify", files=PICTURE).json()["model"]["id"] == "efficientnet-lite0"
        assert [model["id"] for model in client.get("/readyz").json()["models"]] == ["efficientnet-lite0", "vgg19"]
        metrics = client.get("/metrics").text
        assert 'bestguess_model_ready{model="vgg19"} 1.0' in metrics
        assert 'bestguess_batch_size_count{model="vgg19"} 3.0' in metrics
