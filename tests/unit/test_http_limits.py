import contextlib
import json
import socket
import time
from collections.abc import Iterator

import pytest

from app.http_limits import LINGER_SECONDS
from app.settings import Settings
from support.live_server import Live, live, read_answer
from support.waiting import wait_until

HEAD = b"POST /classify HTTP/1.1\r\nHost: localhost\r\nContent-Type: image/png\r\n"


@pytest.fixture(scope="module")
def hasty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """Serve with a second for each request to arrive."""
    folder = tmp_path_factory.mktemp("hasty")
    with live(Settings(data_dir=folder, decode_processes=1, receive_seconds=1)) as running:
        yield running


def connected(service: Live) -> socket.socket:
    """Open a connection."""
    return socket.create_connection((service.client.base_url.host, service.client.base_url.port), 20)


def answer(service: Live, *pieces: bytes) -> bytes:
    """Send pieces, and read until the server closes."""
    with connected(service) as connection:
        with contextlib.suppress(ConnectionError):
            for piece in pieces:
                connection.sendall(piece)
        received = b""
        with contextlib.suppress(ConnectionError):
            while piece := connection.recv(65536):
                received += piece
    return received


@pytest.mark.parametrize("begun", [b"", b"GET /hea", HEAD, HEAD + b"Content-Length: 100\r\n\r\nhalf"])
def test_slow_clients(hasty: Live, begun: bytes) -> None:
    """A request that does not arrive in time, wherever it stops, is refused, and its connection closed."""
    assert answer(hasty, begun).startswith(b"HTTP/1.1 408")


def test_endless_headers(service: Live) -> None:
    """Headers without an end are refused at 64 KiB, in one line or many."""
    for headers in (b"X: " + b"a" * 10_000_000, b"X: a\r\n" * 1_000_000):
        assert answer(service, HEAD, headers).startswith(b"HTTP/1.1 431")
    assert service.client.get("/healthz").status_code == 200


def test_too_many_headers(service: Live) -> None:
    """More than a hundred headers, or as many trailers, are refused, however short they are."""
    many = 101 * b"X: a\r\n" + b"\r\n"
    assert answer(service, HEAD, many).startswith(b"HTTP/1.1 431")
    assert answer(service, HEAD + b"Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n", many).startswith(
        b"HTTP/1.1 431"
    )
    assert answer(service, HEAD + 101 * b"X: a\r\n").startswith(b"HTTP/1.1 431")  # before the head has ended
    assert service.client.get("/healthz").status_code == 200


@pytest.mark.parametrize("second", [b"Host: localhost\r\n" * 2, b"Host: localhost\r\n" + 101 * b"X: a\r\n"])
def test_a_refusal_is_no_other_requests_answer(service: Live, second: bytes) -> None:
    """A bad head behind a request that has no answer yet closes the connection: its refusal would be read as that."""
    first = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
    received = answer(service, first + b"GET /healthz HTTP/1.1\r\n" + second + b"\r\n")
    assert not received.startswith(b"HTTP/1.1 4")


def test_endless_trailers(service: Live) -> None:
    """What comes behind a body is refused at 64 KiB as well, be it one trailer or a chunk's extension."""
    head = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
    for begun in (b"0\r\nX: ", b"3;a="):
        assert answer(service, head + b"1\r\nx\r\n" + begun, *(1000 * [1000 * b"a"])).startswith(b"HTTP/1.1 4")
    assert service.client.get("/healthz").status_code == 200


def test_empty_lines(hasty: Live) -> None:
    """Empty lines behind a request keep a connection no longer than silence does."""
    with connected(hasty) as connection:
        connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert read_answer(connection)[0] == 200
        connection.sendall(b"\r\n")
        assert read_answer(connection)[0] == 408
        assert connection.recv(65536) == b""


def test_a_fault_behind_a_request(hasty: Live) -> None:
    """A second request that is faulty, sent before the first one's answer, is not answered in the first one's place."""
    first = HEAD + b"Content-Length: 4\r\n\r\nhalf"
    for second in (b"\x00\r\n\r\n", b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nnone\r\n"):
        assert answer(hasty, first + second) == b""


def test_an_answer_is_not_lost(hasty: Live) -> None:
    """Who still sends after an answer is listened to for a while, so that no reset takes the answer away."""
    begun = HEAD + b"Content-Length: 1000\r\n\r\n"
    with connected(hasty) as connection:
        began = time.monotonic()  # before the answer, and so before the while
        connection.sendall(begun)
        assert read_answer(connection)[0] == 408
        assert connection.recv(65536) == b"", "nothing comes behind the answer"
        for _ in range(5):
            time.sleep(0.1)
            # On a machine that stands still here the while may be over.
            assert not refused(connection) or time.monotonic() - began > LINGER_SECONDS
        wait_until(lambda: refused(connection), 60)


def refused(connection: socket.socket) -> bool:
    """Say whether the other side has closed."""
    try:
        connection.sendall(b"x")
    except ConnectionError:
        return True
    return False


def test_an_early_answer_is_not_lost(service: Live) -> None:
    """A refusal that comes before the body, and ends the connection, arrives although the body is sent on."""
    head = b"POST /nowhere HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: 100000000\r\n\r\n"
    assert answer(service, head, *(50 * [bytes(1_000_000)])).startswith(b"HTTP/1.1 404")


@pytest.mark.parametrize("hosts", [b"", b"Host: a\r\nHost: b\r\n"])
def test_host(service: Live, hosts: bytes) -> None:
    """A request without a Host, or with two, is refused in the shape of every error."""
    head, _, body = answer(service, b"GET /healthz HTTP/1.1\r\n" + hosts + b"\r\n").partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400")
    assert b"Content-Type: application/problem+json" in head
    assert json.loads(body)["status"] == 400


def test_an_idle_connection_is_used_again(service: Live) -> None:
    """Bounds are a request's own: one after the other on a connection is answered."""
    for _ in range(3):
        assert service.client.get("/healthz").status_code == 200
