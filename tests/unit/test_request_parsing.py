"""Requests as the protocol hands them to an application, from bytes that arrive in any pieces."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, NamedTuple

import pytest
import uvicorn
from uvicorn.server import ServerState

from app.http_limits import HttpLimitsProtocol, http_limits

if TYPE_CHECKING:
    from uvicorn._types import ASGIReceiveCallable, ASGISendCallable, Scope

OFFERS = (
    b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAEAAEAAAAIAAAAB\r\n",
    b"UPGRADE:websocket\r\nconnection: keep-alive,UPGRADE\r\nConnection: x\r\nUpgrade:\r\n",
    b"Connection: upgrade\r\n",
    b"Upgrade: h2c\r\n",
)
HEAD = b"POST /a HTTP/1.1\r\nHost: localhost\r\n%(offer)s"
NEXT = b"GET /b HTTP/1.1\r\nHost: localhost\r\n%(offer)s\r\n"
LENGTH = HEAD + b"Content-Length: 5\r\n\r\nhello"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n3;a=b\r\nabc\r\n2\r\nde\r\n0\r\nUpgrade: y\r\n\r\n"
INNER = b"GET /c HTTP/1.1\r\nHost: localhost\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\n"


class Case(NamedTuple):
    """Bytes with `%(offer)s` where the offer goes, the path and body of each request in them, and the answers."""

    sent: bytes
    requests: list[tuple[str, bytes]]
    statuses: list[int]


HELLO, NOTHING = ("/a", b"hello"), ("/b", b"")
CASES = {
    "a length": Case(LENGTH + NEXT, [HELLO, NOTHING], [200, 200]),
    "chunks": Case(CHUNKED + NEXT, [("/a", b"abcde"), NOTHING], [200, 200]),
    "a length, the last request": Case(LENGTH.replace(b"\r\n%", b"\r\nConnection: close\r\n%"), [HELLO], [200]),
    "chunks, the last request": Case(
        CHUNKED.replace(b"\r\n%", b"\r\nConnection: close\r\n%"), [("/a", b"abcde")], [200]
    ),
    "a body that is a request": Case(
        HEAD + b"Content-Length: %d\r\n\r\n" % len(INNER) + INNER + NEXT, [("/a", INNER), NOTHING], [200, 200]
    ),
    "no body": Case(NEXT + NEXT + LENGTH, [NOTHING, NOTHING, HELLO], [200, 200, 200]),
    "an address in full": Case(LENGTH.replace(b"/a", b"http://localhost/a?b"), [HELLO], [200]),
    "HTTP/1.0": Case(LENGTH.replace(b"1.1", b"1.0"), [HELLO], [200]),
    "an empty header": Case(LENGTH.replace(b"Host", b"X:\r\nY: \r\nHost"), [HELLO], [200]),
    "100-continue": Case(LENGTH.replace(b"Host", b"Expect: 100-continue\r\nHost"), [HELLO], [200]),
    "two lengths": Case(LENGTH.replace(b"Host", b"Content-Length: 5\r\nHost"), [], [400]),
    "a length and chunks": Case(CHUNKED.replace(b"Host", b"Content-Length: 5\r\nHost"), [], [400]),
    "a coding of its own": Case(CHUNKED.replace(b"chunked", b"gzip, chunked"), [], [501]),
    "two hosts": Case(LENGTH.replace(b"\r\n%", b"\r\nHost: b\r\n%"), [], [400]),
    "HTTP/2.0": Case(LENGTH.replace(b"1.1", b"2.0"), [], [505]),
    "a tunnel": Case(b"CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n%(offer)s\r\n" + INNER, [], [501]),
    "a tunnel to nowhere": Case(b"CONNECT a:443 HTTP/1.1\r\nHost:\r\n%(offer)s\r\n" + INNER, [], [501]),
}


class Connection(asyncio.Transport):
    """The other end of a connection."""

    def __init__(self) -> None:
        super().__init__()
        self.statuses: list[int] = []
        self.closed = asyncio.Event()

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Keep the status of an answer."""
        if data[:5] == b"HTTP/" and data[9:12] != b"100":
            self.statuses.append(int(data[9:12]))

    def is_closing(self) -> bool:
        """Say whether it was closed."""
        return self.closed.is_set()

    def close(self) -> None:
        """Close."""
        self.closed.set()

    def can_write_eof(self) -> bool:
        """Say no: what comes behind an answer is not waited for."""
        return False

    def pause_reading(self) -> None:
        """Do nothing: there is nobody to wait."""

    def resume_reading(self) -> None:
        """Do nothing."""


class Application:
    """Keeps the path and the body of each request, and answers."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, bytes]] = []

    async def __call__(self, scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        """Take a request."""
        assert scope["type"] == "http"
        body, more = b"", True
        while more:
            message = await receive()
            if message["type"] != "http.request":
                return
            body, more = body + message["body"], message["more_body"]
        self.requests.append((scope["path"], body))
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]})
        await send({"type": "http.response.body", "body": b"", "more_body": False})


def connected(
    app: Application, connection: Connection, made: type[HttpLimitsProtocol] = HttpLimitsProtocol
) -> HttpLimitsProtocol:
    """Make the protocol of a new connection."""
    protocol = made(uvicorn.Config(app, lifespan="off", ws="none", log_config=None), ServerState(), {})
    protocol.connection_made(connection)
    return protocol


async def answered(*pieces: bytes) -> tuple[list[tuple[str, bytes]], list[int]]:
    """Let the protocol receive pieces; return what it hands to an application, and the statuses of the answers."""
    app, connection = Application(), Connection()
    protocol = connected(app, connection)
    for piece in pieces:
        if not connection.is_closing():
            protocol.data_received(piece)
    while protocol.tasks:
        await asyncio.gather(*protocol.tasks)
    protocol.connection_lost(None)
    return app.requests, connection.statuses


@pytest.mark.parametrize("offer", OFFERS, ids=("h2c", "websocket", "no Upgrade", "no Connection"))
@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_an_offer_changes_nothing(case: Case, offer: bytes) -> None:
    """A request that offers an upgrade has the body that its framing says, wherever the bytes are divided."""

    async def check() -> None:
        sent = case.sent.replace(b"%(offer)s", offer)
        assert await answered(sent) == case[1:]
        assert await answered(*(bytes([byte]) for byte in sent)) == case[1:]
        for at in range(1, len(sent), 7):
            assert await answered(sent[:at], sent[at:]) == case[1:], at

    assert asyncio.run(answered(case.sent.replace(b"%(offer)s", b""))) == case[1:]
    asyncio.run(check())


@pytest.mark.parametrize("address", [b"/datasets/a?b", b"/%64atasets", b"http://localhost/datasets"])
def test_the_time_for_a_path(address: bytes) -> None:
    """The time that a body may take depends on the path that the application sees, however the address is written."""

    async def check() -> None:
        connection = Connection()
        protocol = connected(Application(), connection, http_limits(60, longer=("/datasets", 0.01)))
        protocol.data_received(b"POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\n" % address)
        async with asyncio.timeout(10):
            await connection.closed.wait()
        protocol.connection_lost(None)
        await asyncio.gather(*protocol.tasks)
        assert connection.statuses == [408]

    asyncio.run(check())
