"""Whose data sets and fine-tuned models are: what one key made is not there for another, wherever it is named."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, NamedTuple

import pytest

from app.inference.classifier import Networks
from app.main import running
from bestguess.schemas.jobs import JobStatus
from jobs.artifacts import open_store
from support.api_keys import Headers, closed
from support.classify_requests import problem
from support.datasets import stored
from support.finetuned_models import Made, as_vgg16, base, publish
from support.job_requests import PICTURE
from support.live_server import served
from support.photo_datasets import png
from vision.networks.registry import NETWORKS
from vision.networks.weights import FoundWeights

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    import httpx

    from app.dependencies import State
    from app.settings import Settings
    from support.redis_server import LiveRedis
    from support.stores import FullStore

pytestmark = pytest.mark.filterwarnings(  # Keras 3.15's, where it saves
    "ignore:__array__ implementation doesn't accept a copy:DeprecationWarning"
)


class House(NamedTuple):
    """A service with keys; ann and bob have a data set each, and ann a fine-tuned model."""

    client: httpx.Client
    keys: Headers
    datasets: dict[str, str]
    model: str


@pytest.fixture
def house(server: LiveRedis, store: FullStore, tmp_path: Path) -> Iterator[House]:
    """Serve, with a small VGG16."""
    wishes = {"redis_url": server.url, "stand_in": False, "precision": "float32"}
    settings, keys = closed(tmp_path, "ann-classify-train", "bob-classify-train", "ops-admin", **wishes)
    networks = Networks(settings, table=NETWORKS | {"vgg16": as_vgg16()})
    networks.primary.load(FoundWeights(None, "random", None, verified=False, size=None), sizes=(1,))
    artifacts, files = open_store(None, tmp_path), {"cat": [png(0, 0)], "dog": [png(1, 0)]}
    datasets = {name: stored(store, artifacts, files, name).id for name in ("ann", "bob")}
    model = publish(store, tmp_path, Made(base(), 13, 0), owner="ann")

    @contextlib.asynccontextmanager
    async def resources(_: Settings) -> AsyncIterator[State]:
        async with running(settings, networks) as state:
            yield state

    with served(settings, resources) as client:
        yield House(client, keys, datasets, model)


def hidden(answer: httpx.Response, missing: httpx.Response, name: str, nothing: str) -> None:
    """Check that what is another's is answered as what there is not."""
    expected = str(problem(missing, 404, "not-found")["detail"]).replace(nothing, name)
    assert problem(answer, 404, "not-found")["detail"] == expected


def test_what_another_would_learn_from(house: House, store: FullStore) -> None:
    """Another key's data set or model in a fine-tuning is answered as one that there is not; an admin may name both."""

    def ask(who: str, dataset_id: str, base: str = "vgg16") -> httpx.Response:
        asked = {"dataset_id": dataset_id, "base": base}
        return house.client.post("/jobs/finetune", json=asked, headers=house.keys[who])

    mine, theirs = house.datasets["ann"], house.datasets["bob"]
    hidden(ask("bob", mine), ask("bob", "ds_0"), mine, "ds_0")
    hidden(ask("bob", theirs, house.model), ask("bob", theirs, "job_0"), house.model, "job_0")
    assert store.list(JobStatus.QUEUED).jobs == []
    for who in ("ann", "ops"):
        answer = ask(who, mine, house.model)
        assert answer.status_code == 202, answer.text
    assert [job.params["dataset_id"] for job in store.list(whose="bob").jobs] == []


def test_a_fine_tuned_model_is_its_keys_own(house: House) -> None:
    """Another key neither sees, asks, downloads nor removes a fine-tuned model, also by an alias; its own key does."""

    def call(who: str, method: str, name: str, what: str) -> httpx.Response:
        files = PICTURE if method == "POST" else None
        return house.client.request(method, what.format(name), files=files, headers=house.keys[who])

    client, keys, model = house.client, house.keys, house.model
    assert client.put("/models/aliases/pets", json={"model_id": model}, headers=keys["ops"]).status_code == 200
    ours = ("GET", "/models/{}"), ("POST", "/models/{}/classify"), ("POST", "/classify?model={}")
    calls = (*ours, ("GET", "/models/{}/download"), ("GET", "/models/{}/report"), ("DELETE", "/models/{}"))
    for name in (model, "pets"):
        for method, what in calls:
            hidden(call("bob", method, name, what), call("bob", method, "job_0", what), name, "job_0")
        for method, what in calls[:4]:
            answer = call("ann", method, name, what)
            assert answer.status_code == 200, answer.text
    listed = {who: [one["id"] for one in client.get("/models", headers=keys[who]).json()["data"]] for who in keys}
    assert {who for who, ids in listed.items() if model in ids} == {"ann", "ops"}
    assert call("ann", "DELETE", model, "/models/{}").status_code == 204
