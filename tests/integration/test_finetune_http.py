"""`POST /jobs/finetune`: what is taken, and what is refused at once."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import pytest

from app.inference.classifier import Networks
from app.main import make_sandbox, make_state
from app.services.jobs import open_job_service
from app.services.models import ModelCatalog
from app.settings import Settings
from bestguess.schemas.jobs import JobStatus
from jobs.artifacts import open_store
from jobs.ids import new_job_id
from jobs.owners import EVERYBODY
from jobs.queue import FINETUNE, MNIST_TRAIN
from support.datasets import stored
from support.live_server import served
from support.photo_datasets import png

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    import httpx

    from app.dependencies import State
    from app.inference.model_slot import ModelSlot
    from app.services.datasets import DatasetService
    from jobs.registry import TrainedModel
    from support.live_server import Live
    from support.redis_server import LiveRedis
    from support.stores import FullStore

OWN = {"root": "efficientnet-lite0", "cut": {"layer": "block15_add", "frozen": 45}, "classes": ["a", "b"]}


@pytest.fixture
def dataset_id(api: Live, store: FullStore) -> str:
    """Keep a data set of two classes."""
    artifacts = open_store(None, api.state["settings"].data_dir)
    return stored(store, artifacts, {"cat": [png(0, 0)], "dog": [png(1, 0), png(1, 1)]}).id


def _ask(api: Live, headers: dict[str, str] | None = None, **asked: object) -> httpx.Response:
    return api.client.post("/jobs/finetune", json=asked, headers=headers)


def _trained(store: FullStore, kind: str = FINETUNE) -> str:
    """Register a model that was trained here."""
    job_id = store.create(kind, {}, job_id=new_job_id(), most_queued=10).id
    claim = store.claim(job_id, "worker", 60)
    assert claim is not None
    facts = {"model_id": job_id, "sha256": "a" * 64, "bytes": 9, "validation_accuracy": 0.5}
    store.finish(job_id, claim.fence, JobStatus.SUCCEEDED, facts | OWN)
    return job_id


def test_a_job_is_queued(api: Live, dataset_id: str) -> None:
    """The answer is the job, with every parameter, and where it can be watched."""
    answer = _ask(api, dataset_id=dataset_id, base="efficientnet-lite0", class_weights={"cat": 2})
    assert answer.status_code == 202, answer.text
    job = answer.json()
    assert (job["kind"], job["status"]) == ("finetune", "queued")
    assert answer.headers["Location"] == f"/jobs/{job['id']}"
    assert (job["params"]["freeze"], job["params"]["epochs"], job["params"]["optimizer"]) == (None, 10, "sgd")
    assert api.client.get(f"/jobs/{job['id']}").json()["params"]["class_weights"] == {"cat": 2}
    assert api.client.delete(f"/datasets/{dataset_id}").status_code == 409


def test_the_same_key_is_the_same_job(api: Live, dataset_id: str) -> None:
    """A repeated request makes no second job; another body under the same key is refused."""
    key = {"Idempotency-Key": "once"}
    first, again = (_ask(api, key, dataset_id=dataset_id, seed=1).json() for _ in range(2))
    assert first["id"] == again["id"]
    assert _ask(api, key, dataset_id=dataset_id, seed=2).status_code == 422


def test_the_same_key_when_all_is_gone(api: Live, store: FullStore, dataset_id: str) -> None:
    """A repeated request is answered with its job also when its data set and its base have been removed since."""
    base, key = _trained(store), {"Idempotency-Key": "once"}
    job_id = _ask(api, key, dataset_id=dataset_id, base=base).json()["id"]
    store.cancel(job_id)
    assert api.client.delete(f"/datasets/{dataset_id}").status_code == 204
    assert api.client.delete(f"/models/{base}").status_code == 204
    again = _ask(api, key, dataset_id=dataset_id, base=base)
    assert (again.status_code, again.json()["id"]) == (202, job_id)
    assert again.headers["Location"] == f"/jobs/{job_id}"
    assert _ask(api, key, dataset_id=dataset_id).status_code == 422
    assert _ask(api, dataset_id=dataset_id).status_code == 404


class RemovingCatalog(ModelCatalog):
    """A catalogue that removes every data set whenever a model is looked up."""

    def __init__(self, catalog: ModelCatalog, datasets: DatasetService) -> None:
        super().__init__(catalog.networks, catalog._trained, catalog._jobs, deadline=catalog._deadline)
        self._datasets = datasets

    async def find(self, name: str, owner_filter: str) -> ModelSlot | TrainedModel:
        """Find a model."""
        for dataset in (await self._datasets.records.list()).datasets:
            await self._datasets.remove(dataset.id, EVERYBODY)
        return await super().find(name, owner_filter)


def test_a_data_set_that_is_removed_meanwhile(store: FullStore, server: LiveRedis, tmp_path: Path) -> None:
    """No job is made of a data set that is removed while the request is looked at."""
    settings = Settings(redis_url=server.url, data_dir=tmp_path, decode_processes=1)
    data = stored(store, open_store(None, tmp_path), {"cat": [png(0, 0)], "dog": [png(1, 0)]})
    base, networks = _trained(store), Networks(settings)

    @contextlib.asynccontextmanager
    async def resources(_: Settings) -> AsyncIterator[State]:
        async with open_job_service(settings) as job_service:
            with (
                contextlib.closing(networks),
                contextlib.closing(make_sandbox(settings)) as sandbox,
                make_state(settings, networks, sandbox, job_service) as state,
            ):
                yield {**state, "catalog": RemovingCatalog(state["catalog"], state["datasets"])}

    with served(settings, resources) as client:
        answer = client.post("/jobs/finetune", json={"dataset_id": data.id, "base": base})
    assert answer.status_code == 404, answer.text
    assert "GET /datasets lists what there is" in answer.json()["detail"]
    assert store.list(JobStatus.QUEUED).jobs == []


def test_from_a_model_that_was_fine_tuned_here(api: Live, store: FullStore, dataset_id: str) -> None:
    """It goes by its id or an alias; the job names the model itself, which stays for as long as the job needs it."""
    model_id = _trained(store)
    for name in (model_id, "latest"):
        answer = _ask(api, dataset_id=dataset_id, base=name, freeze=50)
        assert answer.status_code == 202, answer.text
        assert answer.json()["params"]["base"] == model_id
    refused = api.client.delete(f"/models/{model_id}")
    assert refused.status_code == 409
    assert "wait for its end, or cancel it" in refused.json()["detail"]


@pytest.mark.parametrize(
    ("asked", "status", "words"),
    [
        ({"dataset_id": "ds_gone"}, 404, "GET /datasets lists what there is"),
        ({"base": "vgg99"}, 404, "GET /models lists all"),
        ({"base": "vgg16", "freeze": 17}, 422, "VGG16 has 16 weight layers: freeze 0 to 16 of them"),
        ({"base": "efficientnet-lite0", "freeze": 51}, 422, "body.freeze: EfficientNet-Lite0 has 50 weight layers"),
        ({"class_weights": {"cow": 2}}, 422, "no class 'cow'. The classes are cat, dog."),
        ({"epochs": 0}, 422, "body.epochs"),
        ({"patience": 3, "validation_split": 0}, 422, "patience needs a validation_split"),
    ],
)
def test_what_does_not_fit_is_said(
    api: Live, dataset_id: str, asked: dict[str, object], status: int, words: str
) -> None:
    """A base, a data set, layers or classes that there are not are told of, with what to do, before a job is made."""
    answer = _ask(api, **({"dataset_id": dataset_id} | asked))
    assert answer.status_code == status, answer.text
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert words in answer.text
    assert api.client.get("/jobs").json()["data"] == []


def test_a_network_of_digits_is_no_base(api: Live, store: FullStore, dataset_id: str) -> None:
    """What knows digits cannot be taught photographs."""
    answer = _ask(api, dataset_id=dataset_id, base=_trained(store, MNIST_TRAIN))
    assert answer.status_code == 422
    assert "knows digits, not photographs" in answer.json()["detail"]


def test_one_class_is_no_choice(api: Live, store: FullStore) -> None:
    """A data set of one class is refused with what to add."""
    artifacts = open_store(None, api.state["settings"].data_dir)
    alone = stored(store, artifacts, {"cat": [png(0, 0)]})
    answer = _ask(api, dataset_id=alone.id)
    assert answer.status_code == 422
    assert "Add some of another class" in answer.json()["detail"]
