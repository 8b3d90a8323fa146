"""HTTP on the socket, within bounds: uvicorn waits for ever for a slow client, and takes headers of any length."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import TYPE_CHECKING

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from app.errors import MEDIA_TYPE

if TYPE_CHECKING:
    from asyncio import TimerHandle, Transport

HEAD_BYTES = 64 * 1024  # of a request's first line and headers together
HEAD_SECONDS = 10.0  # from a connection, or a request's first byte, to the end of its headers


class BoundedProtocol(HttpToolsProtocol):
    """Refuses endless headers, slow clients, and a Host that is missing or doubled; each in the one shape of errors."""

    receive_seconds = 120.0  # for a whole request; `bounded` makes a class with another

    _clock: TimerHandle | None = None
    _in_head = True
    _head_bytes = 0

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]
        """Begin to wait for a request."""
        super().connection_made(transport)
        self._wait(min(HEAD_SECONDS, self.receive_seconds))

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no longer."""
        self._wait(None)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take bytes; those of an unfinished head are counted."""
        super().data_received(data)
        self._head_bytes += len(data)
        if self._in_head and self._head_bytes > HEAD_BYTES and not self.transport.is_closing():
            limit = f"The headers are longer than {HEAD_BYTES:,} bytes."
            self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, limit)

    def on_message_begin(self) -> None:
        """Begin a request."""
        super().on_message_begin()
        self._in_head, self._head_bytes = True, 0
        self._wait(min(HEAD_SECONDS, self.receive_seconds))

    def on_headers_complete(self) -> None:
        """Check the Host, and begin to wait for the body."""
        self._in_head = False
        hosts = [value for name, value in self.headers if name == b"host"]
        if len(hosts) != 1 and self.parser.get_http_version() == "1.1":
            raise ValueError("RFC 9112, 3.2: exactly one Host")  # httptools' parser error, answered as 400
        self._wait(self.receive_seconds)
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """Have the whole request."""
        self._wait(None)
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        """Refuse what is no HTTP."""
        self._refuse(HTTPStatus.BAD_REQUEST, msg)

    def _wait(self, seconds: float | None) -> None:
        if self._clock:
            self._clock.cancel()
        self._clock = self.loop.call_later(seconds, self._too_slow) if seconds else None

    def _too_slow(self) -> None:
        if not self.transport.is_closing():
            self._refuse(HTTPStatus.REQUEST_TIMEOUT, "The request did not arrive in time.")

    def _refuse(self, status: HTTPStatus, detail: str) -> None:
        body = {"type": "about:blank", "title": status.phrase, "status": status, "detail": detail}
        content = json.dumps(body).encode()
        head = f"HTTP/1.1 {status} {status.phrase}\r\nContent-Type: {MEDIA_TYPE}\r\nContent-Length: {len(content)}\r\n"
        self.transport.write(head.encode() + b"Connection: close\r\n\r\n" + content)
        self.transport.close()


def bounded(receive_seconds: float) -> type[BoundedProtocol]:
    """Make the class for a server in which a whole request may take so many seconds to arrive."""
    return type("BoundedProtocol", (BoundedProtocol,), {"receive_seconds": receive_seconds})
