import asyncio
import re
import resource
import socket
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from app.errors import METHODS, add_handlers
from app.responses import RemovableFileResponse
from app.serve import allow_connections
from support.live_server import Live
from vision.networks.registry import NETWORKS

PROBLEM = "application/problem+json"


def test_not_found_and_wrong_method(service: Live) -> None:
    """What the framework answers by itself has the one shape of errors too."""
    for response, status in ((service.client.get("/nowhere"), 404), (service.client.get("/classify"), 405)):
        assert response.status_code == status
        assert response.headers["Content-Type"] == PROBLEM
        assert response.json()["instance"] == response.url.path
        assert "/docs" in response.json()["detail"]
    assert response.headers["Allow"] == "POST"


def test_allow(service: Live) -> None:
    """A 405 lists each method that is not answered with 405 at the same address, also where several routes match it."""
    paths = {path.replace("{", "").replace("}", "") for path in service.client.get("/openapi.json").json()["paths"]}
    allowed = {}
    for path in (*paths, "/", "/docs", "/page/app.css", "/openapi.json"):
        answers = {method: service.client.request(method, path) for method in (*METHODS, "TRACE")}
        taken = [method for method in METHODS if answers[method].status_code != 405]
        refused = [answer for answer in answers.values() if answer.status_code == 405]
        assert {answer.headers["Allow"] for answer in refused} == {", ".join(taken)}, path
        allowed[path] = ", ".join(taken)
    assert allowed["/jobs/finetune"] == "GET, POST, DELETE"  # it matches /jobs/{job_id} too
    assert allowed["/models/model_id"] == "GET, DELETE"
    assert allowed["/"] == "GET, HEAD"


def test_request_id(service: Live) -> None:
    """Every answer has an id: the client's own where it is a sane one."""
    ask = lambda value: service.client.get("/healthz", headers={"X-Request-ID": value}).headers["X-Request-ID"]  # noqa: E731
    assert ask("abc-1.2_3") == "abc-1.2_3"
    for insane in ("", "a" * 65, "a b", "<script>"):
        assert re.fullmatch("[0-9a-f]{32}", ask(insane))


def test_health(service: Live) -> None:
    """The service says that it is alive, and ready with the network that answers."""
    assert service.client.get("/healthz").json() == {"status": "alive"}
    ready = service.client.get("/readyz")
    assert ready.status_code == 200
    assert ready.json()["models"][0]["id"] == "vgg16"
    assert ready.json()["models"][0]["state"] == "ready"
    assert ready.json()["redis"]["status"] == "down"
    assert "BESTGUESS_REDIS_URL" in ready.json()["redis"]["detail"]


def test_models(service: Live) -> None:
    """Every network is listed, loaded or not, with what it is."""
    models = {model["id"]: model for model in service.client.get("/models").json()["data"]}
    assert models.keys() == NETWORKS.keys()
    assert models["vgg16"]["parameters"] == 138_357_544
    assert models["vgg16"]["weights"] == {"origin": "random", "file": None, "hash": None, "verified": False}
    assert models["efficientnet-lite0"]["parameters"] == 4_652_008
    assert models["efficientnet-lite0"]["weights"] is None


def test_model(service: Live) -> None:
    """A network's page has each of its weight layers, whose parameters add up."""
    model = service.client.get("/models/vgg16").json()
    assert len(model["layers"]) == 16
    assert model["layers"][0] == {
        "name": "block1_conv1",
        "kind": "convolution",
        "kernel": [3, 3, 3, 64],
        "output": [224, 224, 64],
        "parameters": 1792,
    }
    assert sum(layer["parameters"] for layer in model["layers"]) == model["parameters"]
    assert model["input_size"] == [224, 224, 3]
    assert (model["precision"], model["device"]) == ("float32", "cpu")


def test_unknown_model(service: Live) -> None:
    """A network that does not exist is 404."""
    assert service.client.get("/models/resnet").status_code == 404


def test_docs_need_no_network(service: Live) -> None:
    """The page of the calls, its scripts and styles all come from the service itself, and none is inline."""
    page = service.client.get("/docs")
    assert page.status_code == 200
    addresses = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert len(addresses) >= 3
    for address in addresses:
        assert address.startswith(("/", "data:"))
        if address.startswith("/"):
            assert service.client.get(address).status_code == 200
    assert not re.search(r"<script>|<script [^>]*>[^<]", page.text)
    assert "tryItOutEnabled: true" in service.client.get("/docs/start.js").text
    assert service.client.get("/docs/other.js").status_code == 404


def test_openapi(service: Live) -> None:
    """Every call declares its errors as problem+json, has a summary, and examples for what it takes and answers."""
    schema = service.client.get("/openapi.json").json()
    assert {"/jobs", "/jobs/{job_id}", "/jobs/mnist-train", "/jobs/{job_id}/cancel"} <= schema["paths"].keys()
    assert {"/classify", "/classify/batch", "/models", "/models/{model_id}", "/healthz", "/readyz"} <= schema[
        "paths"
    ].keys()
    for path, calls in schema["paths"].items():
        for call in calls.values():
            assert call["summary"], path
            for status, answer in call["responses"].items():
                if not status.startswith("2"):
                    assert list(answer["content"]) == [PROBLEM], (path, status)
    classify = schema["paths"]["/classify"]["post"]
    assert set(classify["responses"]) == {
        "200",
        "400",
        "401",
        "403",
        "404",
        "413",
        "415",
        "421",
        "422",
        "429",
        "500",
        "503",
        "504",
    }
    assert {"multipart/form-data", "application/json", "image/jpeg"} <= classify["requestBody"]["content"].keys()
    assert {"application/json", "image/png", "image/svg+xml"} == classify["responses"]["200"]["content"].keys()
    example = classify["requestBody"]["content"]["application/json"]["example"]
    assert service.client.post("/classify", json=example).status_code == 200


class Going:
    """A path whose file is removed once it has been looked at."""

    def __init__(self, path: Path) -> None:
        self._path, self._looks = path, 0

    def __fspath__(self) -> str:
        self._looks += 1
        if self._looks > 1:
            self._path.unlink()
        return str(self._path)


def test_a_file_that_goes_before_it_is_sent(tmp_path: Path) -> None:
    """A file that is removed at whatever moment before it is open is a 404, not half an answer; else it is sent."""
    path = tmp_path / "model.keras"
    path.write_bytes(b"0123456789")
    files = {"there": path, "absent": tmp_path / "absent", "going": Going(path)}
    app = FastAPI()
    add_handlers(app)
    app.add_api_route(
        "/{name}", lambda name: RemovableFileResponse(files[name], filename="x.keras"), response_model=None
    )

    async def ask(name: str, **headers: str) -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
            return await client.get(name, headers=headers)

    assert asyncio.run(ask("there")).content == b"0123456789"
    part = asyncio.run(ask("there", Range="bytes=2-4"))
    assert (part.status_code, part.content) == (206, b"234")
    for name in ("absent", "going"):
        response = asyncio.run(ask(name))
        assert (response.status_code, response.headers["Content-Type"]) == (404, PROBLEM)


@pytest.mark.parametrize("body", [b"POST /classify HTTP/1.1\r\n\r\n", b"\x16\x03\x01\x02\x00"])
def test_garbage(service: Live, body: bytes) -> None:
    """Garbage on the socket is refused, and the service lives on."""
    address = (service.client.base_url.host, service.client.base_url.port)
    with socket.create_connection(address, 10) as connection:
        connection.sendall(body)
        connection.shutdown(socket.SHUT_WR)
        connection.recv(65536)
    assert isinstance(service.client.get("/healthz"), httpx.Response)


def test_connections_are_as_many_as_the_system_allows() -> None:
    """The service raises the limit on open files, of which each connection is one, to the most that it may."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (before[1] - 1, before[1]))
    try:
        allow_connections()
        assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] == before[1]
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
