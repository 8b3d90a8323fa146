"""What a fine-tuning begins with: refused at once where its weights cannot be had, and chosen where none is named."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from app.inference.loader import load_network
from app.settings import Settings
from bestguess.cli.main import run
from jobs.artifacts import open_store
from support.datasets import stored
from support.live_server import live
from support.photo_datasets import png
from vision.networks.vgg import VGG19_WEIGHTS
from vision.networks.weights import FoundWeights

if TYPE_CHECKING:
    from pathlib import Path

    from support.redis_server import LiveRedis
    from support.stores import FullStore


@pytest.fixture
def settings(server: LiveRedis, store: FullStore, tmp_path: Path) -> Settings:
    """Serve with an empty Redis."""
    assert store
    return Settings(redis_url=server.url, data_dir=tmp_path, decode_processes=1)


@pytest.fixture
def dataset_id(settings: Settings, store: FullStore) -> str:
    """Keep a data set of two classes."""
    artifacts = open_store(None, settings.data_dir)
    return stored(store, artifacts, {"cat": [png(0, 0)], "dog": [png(1, 0), png(1, 1)]}).id


def test_weights_that_cannot_be_had(settings: Settings, dataset_id: str) -> None:
    """A base whose weights the service tries to get in vain is refused with the reason, and makes no job."""
    asked = {"dataset_id": dataset_id, "base": "vgg16"}
    with live(settings, ready=False) as running:
        slot = running.networks.primary
        slot.downloading(0, 100)
        assert running.client.post("/jobs/finetune", json=asked | {"seed": 1}).status_code == 202
        slot.held_up("No route to the mirror.", "Run `bestguess weights fetch`.")
        refused = running.client.post("/jobs/finetune", json=asked)
        assert (refused.status_code, refused.json()["type"]) == (409, "urn:problem-type:bestguess:conflict")
        for words in ("body.base: VGG16's weights", "No route to the mirror.", "weights fetch", "name another base"):
            assert words in refused.json()["detail"]
        assert len(running.client.get("/jobs").json()["data"]) == 1
        asked["base"] = "efficientnet-lite0"
        assert running.client.post("/jobs/finetune", json=asked).status_code == 202


def test_weights_that_the_setting_lacks(settings: Settings, dataset_id: str, tmp_path: Path) -> None:
    """A base without a file in the folder of BESTGUESS_WEIGHTS is refused at once; with one it is taken."""
    asked = {"dataset_id": dataset_id, "base": "vgg19"}
    with live(settings.model_copy(update={"weights": str(tmp_path)})) as running:
        refused = running.client.post("/jobs/finetune", json=asked)
        assert refused.status_code == 409
        assert f"VGG-19's weights are not here. Put {VGG19_WEIGHTS.name}" in refused.json()["detail"]
        (tmp_path / VGG19_WEIGHTS.name).write_bytes(b"whose contents a worker looks at")
        assert running.client.post("/jobs/finetune", json=asked).status_code == 202


def test_a_setting_that_no_file_can_have(settings: Settings, dataset_id: str) -> None:
    """A base whose weights have a path that the system refuses to look at is refused as one whose file is missing."""
    with live(settings.model_copy(update={"weights": f"{'x' * 5000}.h5"})) as running:
        refused = running.client.post("/jobs/finetune", json={"dataset_id": dataset_id, "base": "vgg16"})
    assert refused.status_code == 409
    assert "VGG16's weights are not here. Put xxx" in refused.json()["detail"]


def test_a_base_that_only_the_service_cannot_load(settings: Settings, dataset_id: str, tmp_path: Path) -> None:
    """Where weights are there and this service fails to load them, the worker tries what it can do with them."""
    weights = FoundWeights(tmp_path / "away.h5", "custom", "md5:0", verified=False, size=9)
    with live(settings.model_copy(update={"models": "efficientnet-lite0"}), ready=False) as running:
        asyncio.run(load_network(running.networks.primary, lambda: weights))
        assert running.networks.primary.status.trouble
        asked = {"dataset_id": dataset_id, "base": "efficientnet-lite0"}
        assert running.client.post("/jobs/finetune", json=asked).status_code == 202


@pytest.mark.parametrize(
    ("models", "trouble", "base"),
    [
        ("vgg19,vgg16", None, "vgg19"),
        ("efficientnet-lite0", None, "efficientnet-lite0"),
        ("vgg16", "No route to the mirror.", "efficientnet-lite0"),
    ],
)
def test_the_base_that_nobody_names(  # noqa: PLR0913, PLR0917 - fixtures and the case
    settings: Settings,
    dataset_id: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    models: str,
    trouble: str | None,
    base: str,
) -> None:
    """Without --base the command line takes the first network that is served and can be had, and says which."""
    with live(settings.model_copy(update={"models": models}), ready=False) as running:
        if trouble:
            running.networks.primary.fail("VGG16's weights cannot be downloaded.", trouble, "")
        monkeypatch.setenv("BESTGUESS_URL", str(running.client.base_url))
        assert run(("finetune", dataset_id)) == 0
        title = running.networks.slots[base].network.title
        (job,) = running.client.get("/jobs").json()["data"]
    assert f"bestguess: the base is {title} (--base {base})\n" in capsys.readouterr().err
    assert job["params"]["base"] == base
