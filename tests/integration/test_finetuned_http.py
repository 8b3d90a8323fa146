"""Fine-tuned models as they are served: registered, described, asked, and let go."""

from __future__ import annotations

import contextlib
import weakref
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from app.inference.classifier import Networks
from app.main import running
from app.settings import Settings
from support.finetuned_models import CLASSES, Made, as_vgg16, base, publish
from support.images import encoded, noise
from support.live_server import served
from support.small_vgg import SIDE
from support.stores import FullStore
from support.waiting import wait_until
from vision.decode.images import Limits, View, decode
from vision.networks.registry import NETWORKS
from vision.networks.weights import FoundWeights

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    import httpx

    from app.dependencies import State
    from support.redis_server import LiveRedis

pytestmark = pytest.mark.filterwarnings(  # Keras 3.15's, where it saves
    "ignore:__array__ implementation doesn't accept a copy:DeprecationWarning"
)
DATA = encoded(noise((60, 40)), "PNG")
FILE = {"file": DATA}


class Service:
    """A service whose VGG16 is a small one, with the fine-tuned models that were published, three of one base."""

    def __init__(self, folder: Path, server: LiveRedis) -> None:
        self.settings = Settings(
            data_dir=folder,
            redis_url=server.url,
            stand_in=False,
            decode_processes=1,
            models_in_memory=2,
            precision="float32",
        )
        self.networks = Networks(self.settings, table=NETWORKS | {"vgg16": as_vgg16()})
        self.networks.primary.load(FoundWeights(None, "random", None, verified=False, size=None), sizes=(1, 4))
        self.made = [Made(base(), freeze, seed) for seed, freeze in enumerate((13, 13, 10))]
        with FullStore(server.url) as jobs:
            self.ids = [publish(jobs, folder, made) for made in self.made]
            others = [{"root_weights": {"origin": "imagenet", "hash": "md5:1"}}, {"root": "vgg19"}, {"root": "vgg99"}]
            self.other_weights, self.other_root, self.unknown_root = (
                publish(jobs, folder, self.made[0], **other) for other in others
            )
        self.state: State
        self.client: httpx.Client

    @contextlib.asynccontextmanager
    async def resources(self, _: Settings) -> AsyncIterator[State]:
        """Make what the routes need, and keep it where tests can see it."""
        async with running(self.settings, self.networks) as self.state:
            yield self.state


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory, server: LiveRedis) -> Iterator[Service]:
    """Serve them."""
    made = Service(tmp_path_factory.mktemp("data"), server)
    with served(made.settings, made.resources) as made.client:
        yield made


def predicted(answer: dict[str, Any]) -> dict[str, float]:
    """Say what was guessed."""
    return {guess["label"]: guess["score"] for guess in answer["predictions"]}


def test_it_is_described(house: Service) -> None:
    """A fine-tuned model is listed with its classes, what it was trained from, on what, and how well it does."""
    listed = {model["id"]: model for model in house.client.get("/models").json()["data"]}
    assert {*house.ids, house.other_weights, house.other_root} < listed.keys()
    assert house.unknown_root not in listed
    model = house.client.get(f"/models/{house.ids[0]}").json()
    trained = model["trained"]
    assert (model["classes"], trained["classes"]) == (3, list(CLASSES))
    assert (trained["kind"], trained["parent"], trained["root"], trained["freeze"]) == (
        "finetune",
        "vgg16",
        "vgg16",
        13,
    )
    assert trained["root_weights"] == {"origin": "random", "hash": "random:0"}
    assert (trained["validation_accuracy"], trained["best_epoch"], trained["epochs"]) == (0.9, 2, 3)
    assert trained["dataset"]["name"] == "pets"
    assert trained["changed_params"] == {"dataset_id": "ds_1", "epochs": 3}
    assert model["weights"]["origin"] == "random"  # its base is untrained
    assert (model["weight_layers"], model["layers"][-1]["output"]) == (16, [3])
    assert model["trouble"] == "Its job has left no report."


def test_it_answers_with_the_persons_classes(house: Service) -> None:
    """Its guesses are the person's class names, and their scores are those of the model that was trained."""
    pixels = decode(DATA, (View(SIDE, "crop", 36, "bilinear"),), Limits(10_000, 100)).views[0]
    for model_id, made in zip(house.ids, house.made, strict=True):
        answer = house.client.post(f"/models/{model_id}/classify", files=FILE).json()
        assert (answer["model"]["id"], answer["model"]["weights"]) == (model_id, "random")
        expected = dict(zip(CLASSES, made.said([pixels])[0].tolist(), strict=True))
        assert predicted(answer) == pytest.approx(expected, abs=1e-6)
        assert [guess["wnid"] for guess in answer["predictions"]] == [None] * 3
        again = house.client.post("/classify", params={"model": model_id, "top_k": 1}, files=FILE).json()
        assert again["predictions"] == answer["predictions"][:1]


def test_it_waits_in_its_bases_queue(house: Service) -> None:
    """Its pictures are batched with those of its base, and counted so; only so many heads are in memory."""
    batch = "bestguess_batch_size_count"
    for model_id in house.ids:
        before = figure(house, f'{batch}{{model="vgg16"}}')
        assert house.client.post(f"/models/{model_id}/classify", files=FILE).status_code == 200
        assert figure(house, f'{batch}{{model="vgg16"}}') == before + 1
    metrics = house.client.get("/metrics").text
    assert 'bestguess_inference_seconds_count{model="finetuned"}' in metrics
    assert 'bestguess_queue_depth{model="finetuned"}' not in metrics
    wait_until(lambda: figure(house, "bestguess_trained_models_in_memory") == 2, 30)


def figure(house: Service, name: str) -> float:
    """Read one of the service's figures."""
    lines = house.client.get("/metrics").text.splitlines()
    return float(next((line.rpartition(" ")[2] for line in lines if line.startswith(f"{name} ")), "0"))


def test_what_is_let_go_is_gone(house: Service) -> None:
    """A model that makes way for others leaves the memory at once, and its base stays."""
    trained = house.state["classifier"].trained
    assert house.client.post(f"/models/{house.ids[0]}/classify", files=FILE).status_code == 200
    loaded = trained.loaded(house.ids[0])
    assert loaded
    kept = weakref.ref(loaded.batcher.head.model.layers[-1].kernel)  # type: ignore[union-attr]
    del loaded
    for model_id in house.ids[1:]:
        assert house.client.post(f"/models/{model_id}/classify", files=FILE).status_code == 200
    assert trained.loaded(house.ids[0]) is None
    assert kept() is None
    assert house.client.post("/classify", files=FILE).status_code == 200


def test_other_weights(house: Service) -> None:
    """Where its base has other weights than it was trained on, it does not answer, and says which are which."""
    response = house.client.post(f"/models/{house.other_weights}/classify", files=FILE)
    assert response.status_code == 503
    problem = response.json()
    assert problem["type"].endswith("other-weights")
    assert "was trained on VGG16 with imagenet weights, md5:1" in problem["detail"].replace("Small VGG", "VGG16")
    assert "served with random:0" in problem["detail"]


def test_a_base_that_is_not_there(house: Service) -> None:
    """Where its base is not loaded, asking has it loaded or says what is in the way; what nobody knows is no fault."""
    response = house.client.post(f"/models/{house.other_root}/classify", files=FILE)
    assert response.status_code == 503
    assert "bestguess weights fetch --model vgg19" in response.json()["detail"]
    assert house.client.post(f"/models/{house.unknown_root}/classify", files=FILE).status_code == 503


def test_many_at_once(house: Service) -> None:
    """Several pictures of a request are answered together, each with scores that do not depend on its neighbours."""
    pictures = [encoded(noise((50, 50), seed=seed), "PNG") for seed in range(6)]
    url, query = f"/models/{house.ids[1]}/classify", {"model": house.ids[1]}
    alone = [predicted(house.client.post(url, files={"file": data}).json()) for data in pictures]
    results = house.client.post("/classify/batch", params=query, files=[("file", data) for data in pictures]).json()
    for one, result in zip(alone, results["results"], strict=True):
        assert predicted(result["result"]) == pytest.approx(one, abs=1e-6)
    assert np.ptp([one["cat"] for one in alone]) > 0
