"""Trained networks over HTTP: listed, asked, downloaded, named, reported on, removed."""

from __future__ import annotations

import base64
import io
from typing import TYPE_CHECKING

import keras
import numpy as np
import pytest
from PIL import Image

from app.settings import Settings
from support.classify_requests import DIGIT, FILE, ONE, problem
from support.images import encoded
from support.live_server import Live, live
from support.trained_models import publish, untrained
from vision.digits import network

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from support.redis_server import LiveRedis
    from support.stores import FullStore

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy:DeprecationWarning")


@pytest.fixture(scope="module")
def api(server: LiveRedis, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """Serve with a Redis, keeping two trained networks in memory."""
    folder = tmp_path_factory.mktemp("data")
    with live(Settings(redis_url=server.url, data_dir=folder, decode_processes=1, models_in_memory=2)) as running:
        yield running


def test_a_trained_network_is_listed(api: Live, model_id: str) -> None:
    """The list says when it was made, from what, how well it does, and which parameters tell it from others."""
    listed = api.client.get("/models").json()
    assert [model["id"] for model in listed["data"]] == [*api.networks.slots, model_id]
    assert listed["trouble"] is None
    model = listed["data"][-1]
    assert model["aliases"] == ["best", "latest"]
    assert (model["classes"], model["input_size"], model["weight_layers"]) == (10, [28, 28, 1], 4)
    assert model["parameters"] == untrained().count_params()
    assert model["weights"]["hash"] == f"sha256:{model['trained']['sha256']}"
    trained = model["trained"]
    assert (trained["job_id"], trained["kind"], trained["test_accuracy"]) == (model_id, "mnist-train", 0.9)
    assert trained["dataset"]["name"] == "mnist"
    assert trained["changed_params"] == {"learning_rate": 0.01}
    assert trained["params"]["steps"] == 1000
    assert trained["bytes"] > 13_000_000
    assert listed["data"][0]["trained"] is None


def test_what_only_a_network_in_memory_has(api: Live, model_id: str) -> None:
    """Precision and device are null until it is loaded, in the list and on its page, and then what they are."""

    def told() -> list[tuple[str, str]]:
        pages = api.client.get("/models").json()["data"][-1], api.client.get(f"/models/{model_id}").json()
        return [(page["precision"], page["device"]) for page in pages]

    assert told() == [(None, None)] * 2
    answer = api.client.post(f"/models/{model_id}/classify", files=DIGIT).json()
    assert told() == [(answer["model"]["precision"], answer["model"]["device"])] * 2 == [("float32", "cpu")] * 2


def test_the_best_can_come_first(api: Live, store: FullStore, data_dir: Path) -> None:
    """Sorted by test accuracy the best are first; by themselves the newest are."""
    good, bad, better = (publish(store, data_dir, untrained(), accuracy) for accuracy in (0.9, 0.5, 0.95))
    ids = [model["id"] for model in api.client.get("/models?sort=test_accuracy").json()["data"]]
    assert ids[:3] == [better, good, bad]
    ids = [model["id"] for model in api.client.get("/models").json()["data"]]
    assert ids == [*api.networks.slots, better, bad, good]
    problem(api.client.get("/models?sort=name"), 422, "invalid-parameters")


def test_one_network(api: Live, model_id: str) -> None:
    """Its page adds its layers, whose parameters add up, and its report."""
    model = api.client.get(f"/models/{model_id}").json()
    assert [layer["name"] for layer in model["layers"]] == ["convolution1", "convolution2", "dense", "logits"]
    weighted = [layer for layer in untrained().layers if layer.weights]
    shapes = [
        (layer.name, list(layer.kernel.shape), layer.count_params()) for layer in weighted if layer.count_params()
    ]
    assert [(layer["name"], layer["kernel"], layer["parameters"]) for layer in model["layers"]] == shapes
    assert model["report"]["test_images"] == 40
    assert model["trouble"] is None
    assert api.client.get("/models/vgg16").json()["report"] is None
    problem(api.client.get("/models/job_0198c2b7d1f03a5e8c1d2b4f6a79"), 404, "not-found")


def test_it_classifies_digits(api: Live, model_id: str) -> None:
    """It answers in the shape of /classify with the ten digits, best first, with the scores of Keras's own network."""
    answer = api.client.post(f"/models/{model_id}/classify", files=DIGIT)
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert body.keys() == api.client.post("/classify", files=FILE).json().keys()
    assert body["model"] == {
        "id": model_id,
        "weights": "trained",
        "precision": "float32",
        "device": "cpu",
        "stand_in_for": None,
        "stand_in_reason": None,
    }
    scores = {guess["label"]: guess["score"] for guess in body["predictions"]}
    assert sorted(scores) == [str(digit) for digit in range(10)]
    assert list(scores.values()) == sorted(scores.values(), reverse=True)
    assert all(guess["wnid"] is None for guess in body["predictions"])
    logits = untrained()(network.prepared(ONE[None, ..., None]), training=False)
    expected = keras.ops.convert_to_numpy(keras.ops.softmax(logits))[0]
    np.testing.assert_allclose([scores[str(digit)] for digit in range(10)], expected, atol=1e-5)


def test_it_can_be_asked_for_by_name(api: Live, model_id: str) -> None:
    """/classify takes a trained network's id or alias as its model, and an unknown one is 404."""
    for name in (model_id, "latest", "best"):
        assert api.client.post(f"/classify?model={name}&top_k=3", files=DIGIT).json()["model"]["id"] == model_id
    assert api.client.post("/models/vgg16/classify?top_k=1", files=FILE).json()["model"]["id"] == "vgg16"
    problem(api.client.post("/models/nobody/classify", files=DIGIT), 404, "not-found")
    problem(api.client.post("/classify?model=nobody", files=DIGIT), 404, "not-found")


def test_what_the_network_saw(api: Live, model_id: str) -> None:
    """With show_input the answer has what the network saw: 28 by 28 in grey, or the photo as VGG16 has it."""
    shown = api.client.post(f"/models/{model_id}/classify?show_input=true", files=DIGIT).json()["input"]
    head, _, data = shown.partition(",")
    assert head == "data:image/png;base64"
    np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(base64.b64decode(data)))), ONE)
    photo = api.client.post("/classify?show_input=true", files=FILE).json()["input"].partition(",")[2]
    assert Image.open(io.BytesIO(base64.b64decode(photo))).size == (224, 224)
    assert "input" not in api.client.post("/classify", files=FILE).json()


def test_a_picture_of_the_answer(api: Live, model_id: str) -> None:
    """A digit's guesses can be had as a picture, too."""
    answer = api.client.post(f"/models/{model_id}/classify", files=DIGIT, headers={"Accept": "image/svg+xml"})
    assert answer.headers["Content-Type"] == "image/svg+xml"
    assert model_id in answer.text


def test_a_page_without_ink(api: Live, model_id: str) -> None:
    """A picture without a digit is a 400 that says so."""
    blank = {"file": encoded(Image.new("RGB", (200, 200), "white"), "PNG")}
    body = problem(api.client.post(f"/models/{model_id}/classify", files=blank), 400, "no-ink")
    assert "ink" in str(body["detail"])


def test_more_networks_than_memory(api: Live, store: FullStore, data_dir: Path) -> None:
    """Those that were asked least lately make way, and come back when they are asked again."""
    ids = [publish(store, data_dir, untrained(seed)) for seed in range(3)]
    first = {}
    for model_id in ids * 2:
        answer = api.client.post(f"/models/{model_id}/classify", files=DIGIT).json()
        assert answer["model"]["id"] == model_id
        assert first.setdefault(model_id, answer["predictions"]) == answer["predictions"]
    assert list(api.state["catalog"]._trained._entries) == ids[1:]
    assert len({str(predictions) for predictions in first.values()}) == 3


def test_download(api: Live, model_id: str, tmp_path: Path) -> None:
    """The file is the one whose hash was recorded, and Keras reads it; a pretrained network has none to give."""
    answer = api.client.get(f"/models/{model_id}/download")
    assert f'filename="{model_id}.keras"' in answer.headers["Content-Disposition"]
    path = tmp_path / "down.keras"
    path.write_bytes(answer.content)
    sha256 = api.client.get(f"/models/{model_id}").json()["trained"]["sha256"]
    assert answer.headers["ETag"] == f'"{sha256}"'
    for one, other in zip(keras.models.load_model(path).get_weights(), untrained().get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
    problem(api.client.get("/models/vgg16/download"), 409, "conflict")


def test_report(api: Live, model_id: str) -> None:
    """The report is JSON, or a picture of it where one is preferred; a pretrained network has none."""
    report = api.client.get(f"/models/{model_id}/report")
    assert report.headers["Content-Type"] == "application/json"
    assert sum(map(sum, report.json()["confusion_matrix"])) == report.json()["test_images"] == 40
    for kind, magic in (("image/png", b"\x89PNG"), ("image/svg+xml", b"<svg")):
        drawn = api.client.get(f"/models/{model_id}/report", headers={"Accept": kind})
        assert drawn.headers["Content-Type"] == kind
        assert drawn.content.startswith(magic)
    problem(api.client.get("/models/vgg16/report"), 409, "conflict")


def test_removal(api: Live, model_id: str, data_dir: Path) -> None:
    """A removed network is gone for everybody, loaded or not, with its files; pretrained ones stay."""
    assert api.client.post(f"/models/{model_id}/classify", files=DIGIT).status_code == 200
    assert api.client.delete(f"/models/{model_id}").status_code == 204
    for answer in (
        api.client.post(f"/models/{model_id}/classify", files=DIGIT),
        api.client.get(f"/models/{model_id}"),
        api.client.get(f"/models/{model_id}/download"),
        api.client.delete(f"/models/{model_id}"),
    ):
        problem(answer, 404, "not-found")
    assert not (data_dir / "models" / model_id).exists()
    assert api.client.get(f"/jobs/{model_id}").json()["result"]["model_id"] == model_id
    problem(api.client.delete("/models/vgg16"), 409, "conflict")


def test_total_has_the_loading(api: Live, model_id: str) -> None:
    """The first answer's total has the time that the network took to load, which its parts do not."""

    def rest() -> float:
        timing = api.client.post(f"/models/{model_id}/classify", files=DIGIT).json()["timing_ms"]
        return float(timing["total"] - timing["decode"] - timing["queue"] - timing["inference"])

    assert rest() > 10 * max(1, min(rest() for _ in range(5)))


def test_without_redis(tmp_path: Path) -> None:
    """A service without Redis lists its pretrained networks and says why there are no others."""
    with live(Settings(data_dir=tmp_path, decode_processes=1)) as alone:
        listed = alone.client.get("/models").json()
        assert [model["id"] for model in listed["data"]] == list(alone.networks.slots)
        assert "BESTGUESS_REDIS_URL" in listed["trouble"]
        assert alone.client.get("/models/vgg16").status_code == 200
        problem(alone.client.get("/models/latest"), 404, "not-found")
        problem(alone.client.get("/models/aliases"), 503, "not-ready")
