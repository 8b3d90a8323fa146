"""Clients who mean ill, or go slowly: what the proxy keeps from the service, and what it hands on."""

import contextlib
import json
import re
import secrets
import select
import socket
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import httpx

from support.compose_stack import BUSY, START, Stack, until
from support.load_clients import PHOTO, Photos
from support.request_framings import FRAMINGS, exchange, request

HEAD = 10.0  # seconds for the headers, from haproxy.cfg, and for a whole request, from compose.test.yml
PATIENCE = 3.0  # seconds after which a silent proxy has said all
TIMEOUTS = 120.0  # seconds; those of haproxy.cfg for a client and a server, 30 s and 60 s, and some more
CROWD = 150  # slow clients of each kind: more than the API has images in hand


def port(product: Stack) -> int:
    """Tell where the proxy listens."""
    return product.client.base_url.port or 0


def test_what_the_proxy_refuses(product: Stack) -> None:
    """Headers that are too long or too many, and metrics however they are written, are refused."""
    assert product.client.get("/healthz", headers={"X": "x" * 20_000}).status_code == httpx.codes.BAD_REQUEST
    assert product.client.get("/healthz", headers=[("X", "x")] * 200).status_code == httpx.codes.BAD_REQUEST
    many = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n" + b"X: x\r\n" * 10_000 + b"\r\n"
    refused = exchange(port(product), many, patience=PATIENCE)
    assert refused == b"" or refused.startswith(b"HTTP/1.1 400 ")  # the rest that was sent may reset the socket
    for path in ("/metrics", "//metrics", "/%6detrics", "/metrics/"):
        url = f"http://127.0.0.1:{port(product)}{path}"
        assert product.client.get(url).status_code == httpx.codes.NOT_FOUND
    assert product.classifies()


def test_no_request_is_smuggled(product: Stack) -> None:
    """However a request's end is hidden, no replica hears a request that the proxy has not seen as one."""
    names = {framing: f"nobody-{secrets.token_hex(8)}" for framing in FRAMINGS}

    def ask(framing: str) -> bytes:
        return exchange(port(product), request(names[framing], framing), patience=PATIENCE)

    with ThreadPoolExecutor(len(FRAMINGS)) as clients:
        answers = dict(zip(FRAMINGS, clients.map(ask, FRAMINGS), strict=True))
    assert {framing: answer for framing, answer in answers.items() if b"HTTP/1.1 5" in answer} == {}
    last = f"nobody-{secrets.token_hex(8)}"
    answer = product.client.get(f"/{last}", headers={"X-Request-ID": last})
    assert answer.status_code == httpx.codes.NOT_FOUND
    until(lambda: passed(product)[last] == heard(product)[last] == 1, START)
    came = heard(product)
    assert sum(came[name] for name in names.values()) > 0, "nothing came through: this has shown nothing"
    # The proxy logs a request when it is over, which for one that does not end is decided by its time-outs.
    deadline = time.monotonic() + TIMEOUTS
    while (unseen := came - passed(product)) and time.monotonic() < deadline:
        time.sleep(1)
    assert {framing: unseen[name] for framing, name in names.items() if unseen[name]} == {}


def heard(product: Stack) -> Counter[str]:
    """Count by name the requests that replicas have had."""
    said = "\n".join(api.logs() for api in product.containers("api"))
    lines = (json.loads(line) for line in said.splitlines() if "nobody-" in line)
    return Counter(line["request_id"] for line in lines if "method" in line)


def passed(product: Stack) -> Counter[str]:
    """Count by name the requests that the proxy has handed on; one that it has tried again counts each time."""
    counted: Counter[str] = Counter()
    log = product.containers("proxy")[0].logs()
    for again, name in re.findall(r"/\+?(\d+) \d+/\d+ \"\S+ /(nobody-\w+) ", log):
        counted[name] += 1 + int(again)
    return counted


def test_slow_clients(product: Stack) -> None:
    """A crowd that sends headers or bodies byte by byte is refused in time, and keeps nobody from being answered."""
    head = b"POST /classify HTTP/1.1\r\nHost: localhost\r\n"
    body = head + b"Content-Type: image/png\r\nContent-Length: %d\r\n\r\n" % len(PHOTO)
    with ExitStack() as stack:
        photos = stack.enter_context(Photos(str(product.client.base_url)))
        crowd = []
        for begun in [head, body] * CROWD:
            crowd.append(stack.enter_context(socket.create_connection(("127.0.0.1", port(product)))))
            crowd[-1].sendall(begun)
        started = time.monotonic()
        answers = drip(crowd)
        assert time.monotonic() - started < HEAD + BUSY
    assert {answer[:13] for answer in answers if answer} == {b"HTTP/1.1 408 "}
    assert photos.failed == []
    assert photos.answered > 1


def drip(crowd: list[socket.socket]) -> list[bytes]:
    """Send a byte a second to each until it answers."""
    answers, waiting = [], list(crowd)
    while waiting:
        answered, _, _ = select.select(waiting, [], [], 1.0)
        answers += [received(connection) for connection in answered]
        waiting = [connection for connection in waiting if connection not in answered]
        for connection in waiting:
            with contextlib.suppress(ConnectionError):
                connection.sendall(b"x")
    return answers


def received(connection: socket.socket) -> bytes:
    """Read an answer; nothing where a byte that crossed it on the way has reset the connection."""
    with contextlib.suppress(ConnectionError):
        return connection.recv(1000)
    return b""
