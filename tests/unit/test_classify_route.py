import base64
import json
from xml.etree import ElementTree as ET

import pytest

from support.classify_requests import BLUE, FILE, RED, problem
from support.live_server import Live


def test_form(service: Live) -> None:
    """A form's file is answered with the contract's shape, ten guesses, best first."""
    body = service.client.post("/classify", files=FILE).json()
    assert body.keys() == {"model", "predictions", "image", "timing_ms"}
    assert body["model"] == {
        "id": "vgg16",
        "weights": "random",
        "precision": "float32",
        "device": "cpu",
        "stand_in_for": None,
        "stand_in_reason": None,
    }
    assert len(body["predictions"]) == 10
    assert body["predictions"][0] == {
        "label": "espresso",
        "wnid": "n07920052",
        "index": 967,
        "score": pytest.approx(0.9),
    }
    scores = [guess["score"] for guess in body["predictions"]]
    assert scores == sorted(scores, reverse=True)
    assert body["image"] == {"width": 600, "height": 400, "format": "JPEG"}
    assert body["timing_ms"].keys() == {"decode", "queue", "inference", "total"}
    assert body["timing_ms"]["total"] >= body["timing_ms"]["decode"] > 0


def test_every_way_in_is_the_same(service: Live) -> None:
    """A form, the raw bytes and base64 in JSON, with or without a data URI's head, get the same guesses."""
    text = base64.b64encode(BLUE).decode()
    answers = [
        service.client.post("/classify", files={"file": BLUE}),
        service.client.post("/classify", content=BLUE, headers={"Content-Type": "image/jpeg"}),
        service.client.post("/classify", json={"image": text}),
        service.client.post("/classify", json={"image": f"data:image/png;base64,{text}"}),
    ]
    assert [answer.status_code for answer in answers] == [200] * 4
    assert {json.dumps(answer.json()["predictions"]) for answer in answers} == {
        json.dumps(answers[0].json()["predictions"])
    }
    assert answers[1].json()["image"]["format"] == "PNG"  # whatever the Content-Type says


@pytest.mark.parametrize("charset", ["undefined", "unicode_escape", "utf-16", "nonsense"])
def test_a_charset_of_the_clients_choice(service: Live, charset: str) -> None:
    """Whatever charset a form claims, its names are read as UTF-8, and nothing breaks."""
    body = (
        b'--B\r\nContent-Disposition: form-data; name="file"; filename="\\ud800.jpg"\r\n\r\n' + RED + b"\r\n--B--\r\n"
    )
    headers = {"Content-Type": f"multipart/form-data; boundary=B; charset={charset}"}
    for path in ("/classify", "/classify/batch"):
        assert service.client.post(path, content=body, headers=headers).status_code == 200


def test_an_empty_model_is_none(service: Live) -> None:
    """A form on a web page sends `model=` for no choice."""
    assert service.client.post("/classify?model=", files=FILE).status_code == 200


@pytest.mark.parametrize("way", ["form", "raw", "json"])
def test_query(service: Live, way: str) -> None:
    """`top_k` and `min_score` hold for every form of the request."""
    send = {
        "form": {"files": FILE},
        "raw": {"content": RED, "headers": {"Content-Type": "image/jpeg"}},
        "json": {"json": {"image": base64.b64encode(RED).decode()}},
    }[way]
    ask = lambda **query: service.client.post("/classify", params=query, **send).json()["predictions"]  # noqa: E731
    assert len(ask(top_k=3)) == 3
    assert len(ask(top_k=1000)) == 1000
    assert [guess["label"] for guess in ask(top_k=1000, min_score=0.5)] == ["espresso"]
    assert ask(min_score=1) == []


@pytest.mark.parametrize(
    "query",
    ["top_k=0", "top_k=1001", "top_k=ten", "min_score=-0.1", "min_score=1.1", "min_score=nan", "fit=squeeze"],
)
def test_bad_query(service: Live, query: str) -> None:
    """A parameter outside its bounds is named."""
    body = problem(service.client.post(f"/classify?{query}", files=FILE), 422, "invalid-parameters")
    assert body["errors"][0]["loc"] == ["query", query.partition("=")[0]]


def test_unknown_model(service: Live) -> None:
    """A model that does not exist is a 404 that lists those that do."""
    body = problem(service.client.post("/classify?model=resnet", files=FILE), 404, "not-found")
    assert "vgg16, efficientnet-lite0" in body["detail"]


def test_model_that_is_not_there_yet(service: Live) -> None:
    """A model that is not loaded is a 503 that says when to try again."""
    response = service.client.post("/classify?model=efficientnet-lite0", files=FILE)
    problem(response, 503, "not-ready")
    assert int(response.headers["Retry-After"]) > 0


def test_svg(service: Live) -> None:
    """As SVG the answer is a drawing of the photo and a bar with label and percentage for each guess."""
    response = service.client.post("/classify?top_k=3", files=FILE, headers={"Accept": "image/svg+xml"})
    assert response.headers["Content-Type"] == "image/svg+xml"
    root = ET.fromstring(response.content)  # noqa: S314 - our own
    texts = [node.text for node in root.iter("{http://www.w3.org/2000/svg}text")]
    assert "espresso" in texts
    assert "90.0%" in texts
    assert "VGG16 · random weights" in texts
    assert len(list(root.iter("{http://www.w3.org/2000/svg}image"))) == 1


def test_png(service: Live) -> None:
    """As PNG it is a picture."""
    response = service.client.post("/classify", files=FILE, headers={"Accept": "image/png"})
    assert response.headers["Content-Type"] == "image/png"
    assert response.content.startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        ("*/*", "application/json"),
        ("application/json", "application/json"),
        ("image/svg+xml, application/json;q=0.5", "image/svg+xml"),
        ("image/*", "image/svg+xml"),
        ("IMAGE/SVG+XML", "image/svg+xml"),
        ("text/html", "application/json"),
        ("nonsense", "application/json"),
    ],
)
def test_accept(service: Live, accept: str, kind: str) -> None:
    """`Accept` chooses by its qualities; what asks for nothing that there is gets JSON."""
    assert service.client.post("/classify", files=FILE, headers={"Accept": accept}).headers["Content-Type"] == kind


def test_picture_of_too_many_guesses(service: Live) -> None:
    """A picture of a thousand bars is refused with the most that it shows."""
    response = service.client.post("/classify?top_k=1000", files=FILE, headers={"Accept": "image/png"})
    assert "at most 50" in problem(response, 422, "invalid-parameters")["detail"]


def test_batch(service: Live) -> None:
    """Several files get a result or an error each, in their order; the broken one spoils no other."""
    files = [("file", ("red.jpg", RED)), ("files", ("no.txt", b"hello")), ("file", ("blue.png", BLUE))]
    results = service.client.post("/classify/batch?top_k=1", files=files).json()["results"]
    assert [item["filename"] for item in results] == ["red.jpg", "no.txt", "blue.png"]
    assert [item["result"]["predictions"][0]["label"] for item in (results[0], results[2])] == ["espresso", "tabby"]
    assert results[1]["error"]["status"] == 400
    assert "error" not in results[0]
    assert results[0]["result"]["model"]["stand_in_for"] is None
    assert "result" not in results[1]


def test_a_model_that_is_not_there_is_the_batchs_error(service: Live) -> None:
    """A batch for an unknown model, or one that is not loaded, is refused as a whole."""
    problem(service.client.post("/classify/batch?model=resnet", files=FILE), 404, "not-found")
    problem(service.client.post("/classify/batch?model=efficientnet-lite0", files=FILE), 503, "not-ready")


def test_batch_of_nothing(service: Live) -> None:
    """A form without files, or no form, says what to send."""
    problem(service.client.post("/classify/batch", data={"a": "b"}, files={"x": b""}), 422, "invalid-parameters")
    problem(service.client.post("/classify/batch", json={}), 415, "unsupported-format")
