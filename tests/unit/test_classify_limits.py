import signal
import socket
import tempfile
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import httpx
import pytest

from app.settings import Settings
from support.classify_requests import BLUE, FILE, RED, problem
from support.images import encoded, jpeg_with_scans, noise
from support.live_server import Live, live, read_answer, without_decoders
from support.waiting import wait_until
from vision.engines.base import NotFinite

post = partial(httpx.post, timeout=60)  # by itself it gives up after 5 s


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Live]:
    """Serve with every limit small."""
    limits = {"max_body_bytes": 20_000, "max_pixels": 300_000, "max_scans": 10, "max_files": 2, "max_parts": 4}
    with live(Settings(data_dir=tmp_path, decode_processes=1, queue_size=2, **limits)) as running:
        yield running


def test_compressed_bodies(service: Live) -> None:
    """A compressed body is refused by name, instead of being taken for a broken image."""
    response = service.client.post("/classify", files=FILE, headers={"Content-Encoding": "gzip"})
    assert "gzip" in problem(response, 415, "unsupported-format")["detail"]


@pytest.mark.parametrize(
    ("data", "status", "slug"),
    [
        (b"", 400, "not-an-image"),
        (b"hello", 400, "not-an-image"),
        (RED[:500], 400, "not-an-image"),
        (encoded(noise((10, 10)), "TIFF"), 415, "unsupported-format"),
    ],
)
def test_bad_images(service: Live, data: bytes, status: int, slug: str) -> None:
    """What is no image, or not one that is accepted, is the client's to mend."""
    problem(service.client.post("/classify", files={"file": data}), status, slug)


@pytest.mark.parametrize(
    ("send", "status", "slug"),
    [
        ({"content": b"x", "headers": {"Content-Type": "text/plain"}}, 415, "unsupported-format"),
        ({"content": b"x"}, 415, "unsupported-format"),
        ({"data": {"file": "text"}, "files": {"other": b"x"}}, 422, "invalid-parameters"),
        ({"files": [("file", RED), ("file", RED)]}, 400, "malformed-body"),
        ({"content": b"--x", "headers": {"Content-Type": "multipart/form-data"}}, 400, "malformed-body"),
        (
            {"content": b"nothing", "headers": {"Content-Type": "multipart/form-data; boundary=x"}},
            400,
            "malformed-body",
        ),
        ({"content": b"--x\r\n", "headers": {"Content-Type": "multipart/form-data; boundary=x"}}, 422, None),
        ({"json": {"picture": "x"}}, 422, "invalid-parameters"),
        ({"json": {"image": 7}}, 422, "invalid-parameters"),
        ({"json": {"image": "%%%"}}, 422, "invalid-parameters"),
        ({"json": {"image": "http://127.0.0.1:8000/healthz"}}, 422, "invalid-parameters"),  # URLs are never fetched
        ({"json": {"url": "http://127.0.0.1:8000/healthz"}}, 422, "invalid-parameters"),
        ({"json": {"image": "ü"}}, 422, "invalid-parameters"),
        ({"json": ["x"]}, 422, "invalid-parameters"),
        ({"content": b"{", "headers": {"Content-Type": "application/json"}}, 422, "invalid-parameters"),
        ({"content": b"\xff\xfe", "headers": {"Content-Type": "application/json"}}, 422, "invalid-parameters"),
    ],
)
def test_bad_bodies(service: Live, send: dict[str, object], status: int, slug: str | None) -> None:
    """A body that cannot be read, in whatever form, is never our error."""
    problem(service.client.post("/classify", **send), status, slug or "invalid-parameters")


def test_too_many_bytes(small: Live) -> None:
    """A body over the limit is refused, announced or not."""
    big = b"x" * 30_000
    problem(small.client.post("/classify", files={"file": big}), 413, "too-large")
    chunks = (big[at : at + 1000] for at in range(0, len(big), 1000))
    problem(small.client.post("/classify", content=chunks, headers={"Content-Type": "image/png"}), 413, "too-large")
    json = {"content": bytes(30_000), "headers": {"Content-Type": "application/json"}}  # which FastAPI reads
    problem(small.client.post("/jobs/mnist-train", **json), 413, "too-large")


def test_an_announced_giant_is_not_waited_for(small: Live) -> None:
    """A body that says itself that it is too long is refused before it is sent."""
    host, port = small.client.base_url.host, small.client.base_url.port
    with socket.create_connection((host, port), 10) as connection:
        head = (
            "POST /classify HTTP/1.1\r\nHost: localhost\r\nContent-Type: image/png\r\nContent-Length: 999999999\r\n\r\n"
        )
        connection.sendall(head.encode())
        answer = b""
        while piece := connection.recv(65536):  # until the server closes
            answer += piece
    assert answer.startswith(b"HTTP/1.1 413")


def test_too_many_pixels(small: Live) -> None:
    """A picture over the limit of pixels is 413."""
    problem(small.client.post("/classify", files={"file": encoded(noise((600, 600), "1"), "PNG")}), 413, "too-large")


def test_too_many_scans(small: Live) -> None:
    """So is one over the limit of scans."""
    problem(small.client.post("/classify", files={"file": jpeg_with_scans(11)}), 413, "too-large")


def test_too_many_parts(small: Live) -> None:
    """A form with more fields or files than are accepted is refused."""
    fields = {str(number): "x" for number in range(4)}
    problem(small.client.post("/classify", files={"file": BLUE}, data=fields), 400, "malformed-body")
    del fields["0"]
    assert small.client.post("/classify", files={"file": BLUE}, data=fields).status_code == 200
    files = [("file", BLUE)] * 3
    problem(small.client.post("/classify/batch", files=files), 400, "malformed-body")


def test_overload(tmp_path: Path) -> None:
    """When the queue is full the next is refused with 429 and when to try again; the others get their answers."""
    with live(Settings(data_dir=tmp_path, decode_processes=1, queue_size=2)) as busy, ThreadPoolExecutor(2) as pool:
        busy.runner.go.clear()
        url, batcher = f"{busy.client.base_url}/classify", busy.networks.primary.batcher
        assert batcher is not None
        held = [pool.submit(post, url, files={"file": BLUE})]
        wait_until(lambda: len(busy.runner.batches) == 1, 10)
        held.append(pool.submit(post, url, files={"file": BLUE}))
        wait_until(lambda: len(batcher._waiting) == 1, 10)
        response = busy.client.post("/classify", files={"file": BLUE})
        busy.runner.go.set()
        assert [future.result().status_code for future in held] == [200, 200]
        problem(response, 429, "overloaded")
        assert response.headers["Retry-After"] == "1"
        assert busy.client.post("/classify", files={"file": BLUE}).status_code == 200


def test_more_than_can_be_answered_in_time(tmp_path: Path) -> None:
    """Where those ahead take longer than the deadline allows, the next is refused, and told how long to stay away."""
    settings = Settings(data_dir=tmp_path, decode_processes=1, queue_size=100, deadline_seconds=10)
    with live(settings) as busy, ThreadPoolExecutor(2) as pool:
        url, batcher = f"{busy.client.base_url}/classify", busy.networks.primary.batcher
        assert busy.client.post("/classify", files={"file": BLUE}).status_code == 200
        assert batcher is not None
        batcher.pace = 4.5  # seconds an image, as on a very slow machine
        busy.runner.go.clear()
        held = []
        for ahead in (1, 2):
            held.append(pool.submit(post, url, files={"file": BLUE}))
            wait_until(lambda: len(busy.state["classifier"]._in_hand) == ahead, 10)  # noqa: B023
        response = busy.client.post("/classify", files={"file": BLUE})
        busy.runner.go.set()
        assert [future.result().status_code for future in held] == [200, 200]
        problem(response, 429, "overloaded")
        assert response.headers["Retry-After"] == "5"


def test_a_refused_photo_is_not_read(tmp_path: Path) -> None:
    """The refusal comes before the body does, and the connection serves the next request once that body has passed."""
    with live(Settings(data_dir=tmp_path, decode_processes=1, queue_size=1)) as busy, ThreadPoolExecutor(1) as pool:
        busy.runner.go.clear()
        held = pool.submit(post, f"{busy.client.base_url}/classify", files={"file": BLUE})
        wait_until(lambda: len(busy.runner.batches) == 1, 10)
        body = b"x" * 1_000_000
        head = "POST /classify HTTP/1.1\r\nHost: localhost\r\nContent-Type: image/png\r\n"
        head += f"Content-Length: {len(body)}\r\n\r\n"
        with socket.create_connection((busy.client.base_url.host, busy.client.base_url.port or 0), 10) as connection:
            connection.sendall(head.encode())
            status, headers = read_answer(connection)
            assert status == 429
            assert headers["Retry-After"]
            connection.sendall(body + b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert read_answer(connection)[0] == 200
        busy.runner.go.set()
        assert held.result().status_code == 200


def test_scores_that_are_no_numbers(service: Live) -> None:
    """An image whose scores overflow is told which setting mends it, and when to come back."""
    service.runner.error = NotFinite("VGG16's scores are not finite in float16: set BESTGUESS_PRECISION=float32.")
    try:
        response = service.client.post("/classify", files=FILE)
        results = service.client.post("/classify/batch", files=FILE).json()["results"]
    finally:
        service.runner.error = None
    assert "BESTGUESS_PRECISION=float32" in str(problem(response, 503, "model-unusable")["detail"])
    assert int(response.headers["Retry-After"]) > 0
    assert results[0]["error"]["status"] == 503


def test_no_decode_process(service: Live) -> None:
    """Where no decode process can be started, that is ours, alone as in a batch; then all is well."""
    with without_decoders(service):
        response = service.client.post("/classify", files=FILE)
        results = service.client.post("/classify/batch", files=FILE).json()["results"]
    problem(response, 503, "not-ready")
    assert int(response.headers["Retry-After"]) > 0
    assert results[0]["error"]["status"] == 503
    assert service.client.post("/classify", files=FILE).status_code == 200


def test_decode_processes_that_are_killed(service: Live) -> None:
    """While somebody kills decode processes, photographs are answered, or asked for once more; none is blamed."""
    decoders, over = service.state["classifier"]._sandbox._decoders, threading.Event()

    def kill() -> None:
        while not over.wait(0.1):
            for decoder in decoders:
                decoder._process.send_signal(signal.SIGKILL)

    with ThreadPoolExecutor(1) as pool:
        killing = pool.submit(kill)
        try:
            found = {service.client.post("/classify", files=FILE).status_code for _ in range(20)}
        finally:
            over.set()
        killing.result()
    assert found <= {200, 503}
    assert service.client.post("/classify", files=FILE).status_code == 200


def test_deadline(tmp_path: Path) -> None:
    """An answer that takes longer than the deadline is 504."""
    with live(Settings(data_dir=tmp_path, decode_processes=1, deadline_seconds=1)) as hasty:
        hasty.runner.go.clear()
        problem(hasty.client.post("/classify", files={"file": BLUE}), 504, "deadline-passed")


def test_a_failing_network_is_our_fault(service: Live, caplog: pytest.LogCaptureFixture) -> None:
    """What fails here is a 500 in the same shape, without a word of its insides, with the id to find it in the log."""
    service.runner.error = RuntimeError("secret")
    try:
        response = service.client.post("/classify", files=FILE)
    finally:
        service.runner.error = None
    assert "secret" not in response.text
    assert problem(response, 500, "internal-error")["request_id"] in caplog.text


def test_a_client_that_leaves_is_not_worked_for(service: Live, caplog: pytest.LogCaptureFixture) -> None:
    """The work of a client that hung up is dropped before it is batched, and nothing is wrong."""
    service.runner.go.clear()
    host, port = service.client.base_url.host, service.client.base_url.port
    head = (
        f"POST /classify HTTP/1.1\r\nHost: localhost\r\nContent-Type: image/png\r\nContent-Length: {len(BLUE)}\r\n\r\n"
    )
    batcher = service.networks.primary.batcher
    assert batcher is not None
    first = len(service.runner.batches)
    connections = [socket.create_connection((host, port), 10) for _ in range(3)]
    connections[0].sendall(head.encode() + BLUE)
    wait_until(lambda: len(service.runner.batches) == first + 1, 10)
    for connection in connections[1:]:
        connection.sendall(head.encode() + BLUE)
    wait_until(lambda: len(batcher._waiting) == 2, 10)
    for connection in connections:
        connection.close()
    wait_until(lambda: all(waiting.future.done() for waiting in batcher._waiting), 10)
    service.runner.go.set()
    assert service.client.post("/classify", files=FILE).status_code == 200
    assert service.runner.batches[first:] == [1, 1]
    assert "unforeseen" not in caplog.text


def test_stopping(tmp_path: Path) -> None:
    """From the signal on the service is not ready, and what it cannot answer in time is 503 in the one shape."""
    settings = Settings(data_dir=tmp_path, decode_processes=1)
    with live(settings) as stopping, ThreadPoolExecutor(1) as pool:
        stopping.runner.go.clear()
        held = pool.submit(post, f"{stopping.client.base_url}/classify", files={"file": BLUE})
        wait_until(lambda: len(stopping.runner.batches) == 1, 10)
        stopping.drain()
        wait_until(lambda: stopping.client.get("/readyz").status_code == 503, 30)
        problem(held.result(60), 503, "not-ready")
        problem(stopping.client.post("/classify", files={"file": BLUE}), 503, "not-ready")


def test_a_full_temporary_disk_is_no_matter(service: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    """A large photo is classified even where no temporary file can be written."""
    monkeypatch.setattr(tempfile, "tempdir", "/nowhere/at/all")
    photo = encoded(noise((1500, 1500)), "BMP")
    assert len(photo) > 6_000_000
    assert service.client.post("/classify", files={"file": photo}).status_code == 200
