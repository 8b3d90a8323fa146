"""Who is let in, over real HTTP, without Redis."""

import socket
from pathlib import Path

import httpx
import pytest

from app.access.auth import METRICS, OPEN
from support.api_keys import Headers, add_key, closed
from support.job_requests import PICTURE, problem
from support.live_server import Live, live

SCOPES = {
    ("GET", "/datasets"): {"train"},
    ("POST", "/datasets"): {"train"},
    ("GET", "/datasets/ds_1"): {"train"},
    ("DELETE", "/datasets/ds_1"): {"train"},
    ("POST", "/datasets/ds_1/images"): {"train"},
    ("GET", "/datasets/ds_1/images/0"): {"train"},
    ("GET", "/jobs"): {"train"},
    ("GET", "/jobs/job_1"): {"train"},
    ("GET", "/jobs/job_1/events"): {"train"},
    ("POST", "/jobs/mnist-train"): {"train"},
    ("POST", "/jobs/finetune"): {"train"},
    ("POST", "/jobs/job_1/cancel"): {"train"},
    ("DELETE", "/jobs/job_1"): {"train"},
    ("POST", "/classify"): {"classify"},
    ("POST", "/classify/batch"): {"classify"},
    ("POST", "/models/vgg16/classify"): {"classify"},
    ("GET", "/models"): {"classify", "train"},
    ("GET", "/models/vgg16"): {"classify", "train"},
    ("GET", "/models/vgg16/report"): {"classify", "train"},
    ("GET", "/models/vgg16/download"): {"classify", "train"},
    ("GET", "/models/aliases"): {"classify", "train"},
    ("DELETE", "/models/vgg16"): {"train"},
    ("PUT", "/models/aliases/x"): set(),
    ("DELETE", "/models/aliases/x"): set(),
}


def test_every_call_says_who_may(client: httpx.Client) -> None:
    """Each call has its scopes, in the table above too, but those that are open to everybody on purpose."""
    paths = client.get("/openapi.json").json()["paths"]
    needs_key = {
        (method.upper(), path) for path, calls in paths.items() for method, call in calls.items() if "security" in call
    }
    names = {"job_1": "{job_id}", "vgg16": "{model_id}", "x": "{name}", "ds_1": "{dataset_id}", "0": "{sha256}"}
    tried = {(method, "/".join(names.get(part, part) for part in path.split("/"))) for method, path in SCOPES}
    assert needs_key == tried
    without = {path for path, calls in paths.items() for call in calls.values() if "security" not in call}
    assert without <= OPEN | {METRICS}
    for path in OPEN:
        assert client.get(path).status_code < 400


@pytest.mark.parametrize(("method", "path"), SCOPES)
def test_scopes(client: httpx.Client, keys: Headers, method: str, path: str) -> None:
    """Each call is for keys of certain scopes; an admin's is for all; without a key it is 401, for others 403."""
    answer = client.request(method, path)
    assert "key is needed" in problem(answer, 401)["title"]
    assert answer.headers["WWW-Authenticate"] == 'Bearer realm="bestguess"'
    for name, scopes in (("classifier", {"classify"}), ("trainer", {"train"}), ("boss", {"admin"})):
        answer = client.request(method, path, headers=keys[name])
        if scopes & SCOPES[method, path] or name == "boss":
            assert answer.status_code not in {401, 403}, name
        else:
            assert problem(answer, 403)["scopes"]
            assert 'error="insufficient_scope"' in answer.headers["WWW-Authenticate"]


def test_a_key_in_either_header(client: httpx.Client, keys: Headers) -> None:
    """A key is taken as a bearer's, whatever the case of that word, and as X-API-Key; other schemes are not for us."""
    token = keys["both"]["Authorization"].removeprefix("Bearer ")
    for headers in (
        {"authorization": f"bearer {token}"},
        {"X-API-Key": token},
        {"X-API-Key": token, "Authorization": "Basic dXNlcjpwYXNz"},
        {"X-API-Key": token, "Authorization": f"Bearer {token}"},
    ):
        assert client.post("/classify", files=PICTURE, headers=headers).status_code == 200


def test_unknown_addresses_are_closed(client: httpx.Client, keys: Headers) -> None:
    """Who has no key does not learn which addresses there are."""
    for path in ("/nowhere", "/metrics", "//healthz", "/Healthz", "/healthz/", "/docs.json", "/docsx/", "/%2e/docs"):
        problem(client.get(httpx.URL(client.base_url).copy_with(raw_path=path.encode())), 401)
    for path in (b"/docs/../jobs", b"/docs/%2e%2e/jobs", b"/docs/..%2fjobs"):  # open, and nothing is there
        with socket.create_connection((client.base_url.host, client.base_url.port or 0), 10) as connection:
            connection.sendall(b"GET " + path + b" HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert connection.recv(65536).split()[1] == b"404"
    problem(client.get("/nowhere", headers=keys["both"]), 404)


def test_metrics_can_be_closed(client: httpx.Client, keys: Headers) -> None:
    """Closed metrics are for an admin's key only."""
    problem(client.get("/metrics"), 401)
    problem(client.get("/metrics", headers=keys["both"]), 403)
    assert client.get("/metrics", headers=keys["boss"]).status_code not in {401, 403}


@pytest.mark.parametrize(
    "headers",
    [
        [("Authorization", "Bearer")],
        [("Authorization", "{token}")],
        [("Authorization", "Basic {token}")],
        [("Authorization", "Bearer {token}x")],
        [("Authorization", "Bearer {token}, Bearer {token}")],
        [("Authorization", "Bearer {token}"), ("Authorization", "Bearer {token}")],
        [("Authorization", "Bearer {token}"), ("Authorization", "Basic x")],
        [("X-API-Key", "{token}"), ("X-API-Key", "{token}")],
        [("X-API-Key", "{token}"), ("Authorization", "Bearer {other}")],
        [("X-API-Key", "")],
        [("X-API-Key", "{token},{token}")],
        [("Cookie", "key={token}")],
        [("X_API_Key", "{token}")],
        [("Authorization", "Bearer bg_\u00fc\u00df\u20ac")],
        [("Authorization", "Bearer \u0430{token}")],
        [("Authorization", "Bearer bg_00000000_" + "A" * 43)],
        [("Authorization", "Bearer bg_" + "A" * 50_000)],
        [("X-API-Key", "' or 1=1 --")],
    ],
)
def test_what_is_no_key(client: httpx.Client, keys: Headers, headers: list[tuple[str, str]]) -> None:
    """Whatever else stands in the headers, twice or in other letters, is no key; nothing of it comes back."""
    token, other = (keys[name]["Authorization"].removeprefix("Bearer ") for name in ("both", "boss"))
    sent = [(name, value.format(token=token, other=other).encode()) for name, value in headers]
    answer = client.get("/models", headers=[(name.encode(), value) for name, value in sent])
    problem(answer, 401)
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    for secret in (token, other, "or 1=1"):
        assert secret not in answer.text


@pytest.mark.parametrize("name", ["key", "api_key", "access_token", "token", "X-API-Key", "Authorization"])
def test_a_key_in_the_address_is_none(client: httpx.Client, keys: Headers, name: str) -> None:
    """A key in a query string, which logs and histories keep, is not taken."""
    token = keys["both"]["Authorization"].removeprefix("Bearer ")
    for value in (token, f"Bearer {token}"):
        problem(client.get("/models", params={name: value}), 401)


def test_headers_without_end(client: httpx.Client) -> None:
    """A key longer than all headers may be ends the connection with 431."""
    with socket.create_connection((client.base_url.host, client.base_url.port or 0), 10) as connection:
        connection.sendall(b"GET /models HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ")
        connection.sendall(b"A" * 70_000)
        assert b" 431 " in connection.recv(65536)


def test_a_body_is_not_read_before_the_key(client: httpx.Client) -> None:
    """Who has no key is refused before a byte of the body is sent, and before it is looked at."""
    head = b"POST /jobs/mnist-train HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    with socket.create_connection((client.base_url.host, client.base_url.port or 0), 10) as connection:
        connection.sendall(head + b"Content-Length: 1000000\r\n\r\n")
        assert b"HTTP/1.1 401 " in connection.recv(65536)
    problem(client.post("/jobs/mnist-train", content=b"{", headers={"Content-Type": "application/json"}), 401)


def test_the_document_has_the_schemes(client: httpx.Client) -> None:
    """The calls' document declares both headers, so that /docs has its button, and what a key may be refused with."""
    document = client.get("/openapi.json").json()
    schemes = document["components"]["securitySchemes"]
    assert schemes["bearer"]["scheme"] == "bearer"
    assert (schemes["header"]["in"], schemes["header"]["name"]) == ("header", "X-API-Key")
    call = document["paths"]["/jobs"]["get"]
    assert sorted(name for one in call["security"] for name in one) == ["bearer", "header"]
    assert {"401", "403", "421", "429"} <= call["responses"].keys()
    assert "security" not in document["paths"]["/healthz"]["get"]


def test_a_key_is_optional_where_there_are_none(service: Live) -> None:
    """Without keys everything is open on loopback, nothing is counted, and the document says that no key is needed."""
    assert {} in service.client.get("/openapi.json").json()["paths"]["/jobs"]["get"]["security"]
    answer = service.client.post("/classify", files=PICTURE, headers={"X-API-Key": "whatever"})
    assert answer.status_code == 200
    assert not [name for name in answer.headers if name.lower().startswith("ratelimit")]
    assert service.client.get("/readyz").json()["keys"] is None


def test_the_first_key_closes_and_broken_files_are_told(tmp_path: Path) -> None:
    """A key made beside the running service closes it; a file that breaks is told by /readyz, and opens nothing."""
    settings, _ = closed(tmp_path)
    with live(settings) as service:
        assert service.client.get("/models").status_code == 200
        service.authenticator.keyring._refreshed = 0
        ann = add_key(settings.keys_path, "ann", "train")
        problem(service.client.get("/models"), 401)
        assert service.client.get("/models", headers=ann).status_code == 200
        assert service.client.get("/readyz").json()["keys"] == {"status": "ok", "detail": None}
        settings.keys_path.write_text("{")
        service.authenticator.keyring._refreshed = 0
        told = service.client.get("/readyz").json()
        assert (told["status"], told["keys"]["status"]) == ("ready", "broken")
        assert str(tmp_path) not in told["keys"]["detail"]
        problem(service.client.get("/models"), 401)
        assert service.client.get("/models", headers=ann).status_code == 200
