from pathlib import Path

import pytest

from app.settings import Settings
from support.api_keys import closed
from support.job_requests import problem
from support.live_server import live


def test_anonymous_beside_keys(tmp_path: Path) -> None:
    """Where they are let in beside keys, callers without one may classify and train, are counted, and are no admins."""
    settings, keys = closed(
        tmp_path, "ann-classify", allow_anonymous=True, anonymous_rate="3/hour", trusted_proxies="::1"
    )
    with live(settings) as service:
        first = service.client.get("/models")
        assert first.status_code == 200
        assert first.headers["RateLimit-Policy"] == '"address";q=3;w=3600'
        assert first.headers["RateLimit"].startswith('"address";r=2;t=')
        problem(service.client.put("/models/aliases/x", json={"model_id": "y"}), 403)
        problem(service.client.get("/models", headers={"X-API-Key": "wrong"}), 401)
        service.client.get("/models", headers={"X-Forwarded-For": "192.0.2.9"})  # nobody whom we trust says so
        refused = service.client.get("/models")
        assert "3 calls in 3,600 s" in problem(refused, 429)["detail"]
        assert 1 <= int(refused.headers["Retry-After"]) <= 3601
        assert refused.headers["RateLimit"].startswith('"address";r=0;t=')
        assert service.client.get("/models", headers=keys["ann"]).status_code == 200
        assert service.client.get("/healthz").status_code == 200


@pytest.mark.parametrize(
    "forged", ["", "192.0.2.{n}, ", "[2001:db8::{n}]:80, ", "127.0.0.1, 192.0.2.{n}, ", "\u00fc{n}, "]
)
def test_the_address_behind_a_proxy(tmp_path: Path, forged: str) -> None:
    """Behind a trusted proxy each client is counted by the address that the proxy saw, whatever a client has forged."""
    settings = Settings(data_dir=tmp_path, decode_processes=1, anonymous_rate="2/hour", trusted_proxies="127.0.0.0/8")
    with live(settings) as service:

        def ask(address: str, number: int) -> int:
            value = (forged.format(n=number) + address).encode()
            return service.client.get("/models", headers={b"X-Forwarded-For": value}).status_code

        for address in ("203.0.113.1", "203.0.113.2"):
            assert [ask(address, number) for number in range(3)] == [200, 200, 429]
