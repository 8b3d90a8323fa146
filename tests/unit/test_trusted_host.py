import socket
from pathlib import Path

import httpx
import pytest

from support.api_keys import Headers, closed
from support.job_requests import PICTURE, problem
from support.live_server import live


@pytest.mark.parametrize(
    ("host", "status"),
    [
        (b"localhost", 200),
        (b"LOCALHOST:8000", 200),
        (b"app.localhost:1", 200),
        (b"127.0.0.1:80", 200),
        (b"[::1]:8000", 200),
        (b"10.1.2.3", 200),
        (b"a.example.com", 200),
        (b"a.EXAMPLE.com.:443", 200),
        (b"example.com", 421),
        (b"evil.example", 421),
        (b"localhost.evil.example", 421),
        (b"localhost:8000@evil.example", 421),
        (b"evil.example#.example.com", 421),
        (b"evil.example/.example.com", 421),
        (b"127.0.0.1.evil.example", 421),
        (b"[::1].evil.example", 421),
        (b"localhost, evil.example", 421),
        (b"", 421),
        (b"\xfcber.example", 421),
    ],
)
def test_hosts(client: httpx.Client, keys: Headers, host: bytes, status: int) -> None:
    """The service answers to its names and to plain addresses, so that no page can rename this machine."""
    answer = client.get("/models", headers={b"Host": host, b"X-API-Key": keys["both"]["Authorization"][7:].encode()})
    assert answer.status_code == status
    if status == 421:
        assert "BESTGUESS_ALLOWED_HOSTS" in problem(answer, 421)["detail"]
    assert client.get("/healthz", headers={b"Host": host}).status_code == 200


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (b"GET /docs HTTP/1.1\r\n\r\n", b"400"),
        (b"GET /docs HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n\r\n", b"400"),
        (b"GET /docs HTTP/1.0\r\n\r\n", b"421"),
        (b"GET /docs HTTP/1.0\r\nHost: localhost\r\nHost: evil.example\r\n\r\n", b"421"),
        (b"GET /healthz HTTP/1.0\r\n\r\n", b"200"),
    ],
)
def test_a_missing_or_doubled_host(client: httpx.Client, head: bytes, status: bytes) -> None:
    """No Host, or two, is refused; a probe may come without."""
    with socket.create_connection((client.base_url.host, client.base_url.port or 0), 10) as connection:
        connection.sendall(head)
        assert connection.recv(65536).split()[1] == status


@pytest.mark.parametrize(
    ("origin", "status"), [(None, 200), ("{own}", 200), ("https://evil.example", 403), ("null", 403), ("", 403)]
)
def test_pages_of_others_change_nothing(client: httpx.Client, keys: Headers, origin: str | None, status: int) -> None:
    """A form on another site's page, which a browser sends without asking, is refused; a page of our own is not."""
    headers = {"Origin": origin.format(own=str(client.base_url).rstrip("/"))} if origin is not None else {}
    assert client.post("/classify", files=PICTURE, headers=keys["both"] | headers).status_code == status


def test_cors_is_off(client: httpx.Client, keys: Headers) -> None:
    """Unless its origin is listed, no page of another site may read an answer."""
    asked = {"Origin": "https://evil.example", "Access-Control-Request-Method": "GET"}
    for answer in (client.options("/models", headers=asked), client.get("/models", headers=keys["both"] | asked)):
        assert not [name for name in answer.headers if name.lower().startswith("access-control")]


def test_cors_for_listed_origins(tmp_path: Path) -> None:
    """A listed origin's page may ask first without a key, may call with one, and can read errors and rates as well."""
    origin = "https://app.example"
    settings, keys = closed(tmp_path, "ann-classify", cors_origins=origin)
    asked = {"Origin": origin, "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "X-API-Key"}
    with live(settings) as service:
        preflight = service.client.options("/classify", headers=asked)
        assert preflight.status_code == 200
        assert preflight.headers["Access-Control-Allow-Origin"] == origin
        answers = [
            service.client.post("/classify", files=PICTURE, headers={"Origin": origin} | extra)
            for extra in (keys["ann"], {})
        ]
        assert [answer.status_code for answer in answers] == [200, 401]
        for answer in answers:
            assert answer.headers["Access-Control-Allow-Origin"] == origin
            assert "RateLimit" in answer.headers["Access-Control-Expose-Headers"]
            assert "Access-Control-Allow-Credentials" not in answer.headers
        other = service.client.options("/classify", headers=asked | {"Origin": "https://evil.example"})
        assert "Access-Control-Allow-Origin" not in other.headers
