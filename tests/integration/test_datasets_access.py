"""Ownership of data sets, and uploads that a client, the disk or the time limit ends."""

import re
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from support.api_keys import Headers, closed
from support.classify_requests import problem
from support.datasets import pets, picture, zipped
from support.live_server import Live, live, without_decoders
from support.redis_server import LiveRedis
from support.waiting import wait_until

ARCHIVE = {"file": ("pets.zip", zipped(pets()))}


@pytest.fixture(scope="module")
def keyed(server: LiveRedis, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Live, Headers]]:
    """Serve with keys."""
    names = ("ann-train", "bob-train", "eye-classify", "boss-admin")
    settings, headers = closed(tmp_path_factory.mktemp("data"), *names, redis_url=server.url)
    with live(settings) as running:
        yield running, headers


def test_owners_and_scopes(keyed: tuple[Live, Headers]) -> None:
    """A key sees its own data sets only, an admin's all; one that is for classifying none."""
    client, keys = keyed[0].client, keyed[1]
    made = client.post("/datasets", files=ARCHIVE, headers=keys["ann"]).json()
    place, sample = f"/datasets/{made['id']}", made["classes"][0]["samples"][0]
    for path in (place, f"{place}/images/{sample}"):
        assert client.get(path, headers=keys["ann"]).status_code == 200
        assert client.get(path, headers=keys["boss"]).status_code == 200
        problem(client.get(path, headers=keys["bob"]), 404, "not-found")
        problem(client.get(path, headers=keys["eye"]), 403, "out-of-scope")
        problem(client.get(path), 401, "no-key")
    form = {"files": {"file": ("x.png", picture(9))}, "data": {"label": "cats"}}
    problem(client.post(f"{place}/images", headers=keys["bob"], **form), 404, "not-found")
    problem(client.delete(place, headers=keys["bob"]), 404, "not-found")
    problem(client.post("/datasets", files=ARCHIVE, headers=keys["eye"]), 403, "out-of-scope")
    assert client.get("/datasets", headers=keys["bob"]).json()["data"] == []
    assert [one["id"] for one in client.get("/datasets", headers=keys["boss"]).json()["data"]] == [made["id"]]
    assert client.post(f"{place}/images", headers=keys["boss"], **form).json()["added"] == 1
    assert [one["id"] for one in client.get("/datasets", headers=keys["ann"]).json()["data"]] == [made["id"]]
    assert client.delete(place, headers=keys["ann"]).status_code == 204


def test_a_client_that_goes_away(keyed: tuple[Live, Headers]) -> None:
    """What a client has sent of an archive when it goes away does not stay."""
    running, keys = keyed
    folder = running.state["settings"].data_dir / "models"
    with begun(running, keys["ann"]["Authorization"]):
        wait_until(lambda: list(folder.glob("ds_*.tmp")), 10)
    wait_until(lambda: not list(folder.glob("ds_*.tmp")), 10)


def test_a_client_that_is_slow(server: LiveRedis, tmp_path: Path) -> None:
    """A body that does not arrive in the time that one may take ends, and leaves nothing."""
    settings, keys = closed(tmp_path, "ann-train", redis_url=server.url, dataset_seconds=1)
    with live(settings) as running, begun(running, keys["ann"]["Authorization"]) as slow:
        slow.settimeout(60)
        answer = b""
        while piece := slow.recv(65536):
            answer += piece
        assert re.match(rb"HTTP/1.1 (408|504) ", answer)
        wait_until(lambda: not list((tmp_path / "models").glob("ds_*.tmp")), 10)


def test_as_many_at_once_as_may_be(keyed: tuple[Live, Headers]) -> None:
    """While four archives of one owner come in, their fifth is refused before its body is read; another's comes in."""
    running, keys = keyed
    folder = running.state["settings"].data_dir / "models"
    with ExitStack() as stack:
        for _ in range(4):
            stack.enter_context(begun(running, keys["ann"]["Authorization"]))
        wait_until(lambda: len(list(folder.glob("ds_*.tmp"))) == 4, 30)
        refused = running.client.post("/datasets", files=ARCHIVE, headers=keys["ann"])
        problem(refused, 429, "overloaded")
        assert refused.headers["Retry-After"] == "10"
        # Whoever else comes takes one of these places.
        assert running.client.post("/datasets", files=ARCHIVE, headers=keys["bob"]).status_code == 201
    wait_until(lambda: not list(folder.glob("ds_*.tmp")), 30)
    assert running.client.post("/datasets", files=ARCHIVE, headers=keys["ann"]).status_code == 201


def test_no_decode_process(keyed: tuple[Live, Headers]) -> None:
    """Where no decode process can be started, an archive is refused as a whole, and none of its photographs blamed."""
    running, keys = keyed
    with without_decoders(running):
        refused = running.client.post("/datasets", files=ARCHIVE, headers=keys["ann"])
        assert int(refused.headers["Retry-After"]) > 0
        problem(refused, 503, "not-ready")
    made = running.client.post("/datasets", files=ARCHIVE, headers=keys["ann"])
    assert (made.status_code, made.json()["rejected"]) == (201, [])


def begun(running: Live, authorization: str) -> socket.socket:
    """Begin to send an archive, of which the most is still to come."""
    url = running.client.base_url
    connection = socket.create_connection((url.host, url.port))
    head = f"POST /datasets HTTP/1.1\r\nHost: {url.host}\r\nAuthorization: {authorization}\r\n"
    head += "Content-Type: application/zip\r\nContent-Length: 9000000\r\n\r\n"
    connection.sendall(head.encode() + bytes(2_000_000))
    return connection


def test_a_folder_that_cannot_be_written(server: LiveRedis, tmp_path: Path) -> None:
    """Where the place of data sets cannot be written, that is ours, and the client may come back."""
    settings, keys = closed(tmp_path, "ann-train", redis_url=server.url)
    (tmp_path / "models").write_text("a file where a folder should be")
    with live(settings) as running:
        refused = running.client.post("/datasets", files=ARCHIVE, headers=keys["ann"])
        problem(refused, 503, "storage-unavailable")
        assert refused.headers["Retry-After"] == "30"
        assert running.client.get("/datasets", headers=keys["ann"]).status_code == 200


def test_without_redis(service: Live) -> None:
    """Without Redis data sets are answered as jobs are."""
    for answer in (service.client.get("/datasets"), service.client.post("/datasets", files=ARCHIVE)):
        problem(answer, 503, "not-ready")
