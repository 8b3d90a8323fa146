"""HTTP on the socket, within bounds: uvicorn waits for ever for a slow client, and takes headers of any length."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from app.errors import MEDIA_TYPE

if TYPE_CHECKING:
    from asyncio import TimerHandle, Transport
    from collections.abc import Callable

    from uvicorn._types import ASGI3Application
    from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

HEAD_BYTES = 64 * 1024  # of a request's first line and headers together, and of what comes behind a body
MOST_HEADERS = 100  # as Apache and HAProxy have it; browsers send some twenty
MOST_DIGITS = 20  # of a Content-Length: as many as 2 ** 64 has
HEAD_SECONDS = 10.0  # from a connection, or a request's first byte, to the end of its headers
# After an answer to a request that has not arrived whole. Bytes that nobody reads make the system reset the connection,
# and with it goes an answer that is still on its way (RFC 9112, 9.6).
LINGER_SECONDS = 2.0
TOO_LONG = f"The headers are longer than {HEAD_BYTES:,} bytes."


class _HalfClosingTransport:
    """A transport whose `close` asks the protocol first; all else is the transport's own."""

    def __init__(self, transport: Transport, leave: Callable[[], bool]) -> None:
        self._transport, self._leave, self._left = transport, leave, False

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever a transport has
        return getattr(self._transport, name)

    def close(self) -> None:
        """Close now, or only our half, once, where the protocol will see to the rest."""
        if self._left or self._transport.is_closing() or not self._leave():
            self._transport.close()
        self._left = True

    def is_closing(self) -> bool:
        """Say whether anything may still be sent."""
        return self._left or self._transport.is_closing()


class _Parser:
    """An HTTP parser that ignores the offer of an upgrade (RFC 9110, 7.8) and reads the body by its framing.

    httptools takes whatever follows such a request's headers for another protocol: it reports a request without a body,
    and would parse the body as the next request. The request is therefore parsed again from its headers without
    `Upgrade`, by a new parser: the old one would discard all that follows `Connection: close`.
    """

    def __init__(self, protocol: HttpLimitsProtocol) -> None:
        self._protocol = protocol
        self._renew()

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever httptools' parser has
        return getattr(self._parser, name)

    def feed_data(self, data: bytes) -> None:
        """Parse bytes, and call the protocol for what is in them; raise an `HttpParserError` for what is no HTTP."""
        rest = memoryview(data)
        while rest:
            try:
                self._parser.feed_data(rest)
            except httptools.HttpParserUpgrade as offer:
                rest = rest[offer.args[0] :]
                head = self._protocol.head_without_upgrade()
                self._renew()
                self._parser.feed_data(head)
            else:
                return

    def _renew(self) -> None:
        self._parser = httptools.HttpRequestParser(self._protocol)
        self._parser.set_dangerous_leniencies(lenient_data_after_close=True)  # as uvicorn does


class HttpLimitsProtocol(HttpToolsProtocol):
    """Refuses endless headers, slow clients, and what can be read in two ways; each in the one shape of errors."""

    receive_seconds = 120.0  # for a whole request; `bounded` makes a class with another
    longer: tuple[str, float] | None = None  # below this path it is so many seconds
    refused: Callable[[HTTPStatus], None] | None = None  # hears of each connection that is closed

    _clock: TimerHandle | None = None
    _arriving = False  # a request has begun, and is not whole
    _lingering = False
    _in_head = True
    _brings_body = False
    _head_bytes = 0
    _trailers = 0
    _answering: RequestResponseCycle | None = None  # uvicorn's `cycle` is the newest, which may be queued behind it
    _fault: tuple[HTTPStatus, str] | None = None  # why the parser was stopped, where it was us

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]
        """Begin to wait for a request."""
        super().connection_made(_HalfClosingTransport(transport, self._linger))  # type: ignore[arg-type]
        self.parser = _Parser(self)  # type: ignore[assignment]
        self._wait(min(HEAD_SECONDS, self.receive_seconds))

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no longer."""
        self._wait(None)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take bytes; those that are no body's are counted, and those behind the last answer dropped."""
        if self._lingering:
            return
        self._brings_body = False
        super().data_received(data)
        if self.transport.is_closing():
            return
        if self._arriving and not self._brings_body:  # what is whole was within its bounds, be it many requests at once
            self._head_bytes += len(data)
        if self._head_bytes > HEAD_BYTES:
            self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, TOO_LONG)
        elif not self._arriving and not self._owing() and self._clock is None:
            # An empty line begins no request, but uvicorn has stopped its own clock for it.
            self._wait(min(HEAD_SECONDS, self.receive_seconds))

    def on_message_begin(self) -> None:
        """Begin a request."""
        super().on_message_begin()
        self._arriving = True
        self._in_head, self._head_bytes, self._trailers = True, 0, 0
        self._wait(min(HEAD_SECONDS, self.receive_seconds))

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header; what comes behind the body is none (RFC 9110, 6.5.1), and is only counted."""
        if self._in_head:
            super().on_header(name, value)
        else:
            self._trailers += 1
        if max(len(self.headers), self._trailers) > MOST_HEADERS:
            raise self._stop(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, f"There are more than {MOST_HEADERS} headers.")

    def on_headers_complete(self) -> None:
        """Check what httptools lets pass, and begin to wait for the body."""
        if self.parser.get_method() == b"CONNECT":
            raise self._stop(HTTPStatus.NOT_IMPLEMENTED, "This service does not open tunnels.")
        if self.parser.should_upgrade():
            return  # `_Parser` parses this request again, and only then is it checked and answered
        self._in_head = False
        if len(self.url) + sum(len(name) + len(value) for name, value in self.headers) > HEAD_BYTES:
            raise self._stop(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, TOO_LONG)
        version = self.parser.get_http_version()
        if version not in {"1.0", "1.1"}:
            raise self._stop(HTTPStatus.HTTP_VERSION_NOT_SUPPORTED, "This service speaks HTTP/1.1.")
        self._check_host(version)
        self._check_length()
        self._check_coding(version)
        super().on_headers_complete()
        self._wait(self._seconds())

    def on_body(self, body: bytes) -> None:
        """Take a part of the body."""
        self._brings_body, self._head_bytes = True, 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        """Have the whole request."""
        if self.parser.should_upgrade():
            return
        self._wait(None)
        self._arriving = False
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        """Refuse what is no HTTP."""
        self._refuse(*(self._fault or (HTTPStatus.BAD_REQUEST, msg)))

    def head_without_upgrade(self) -> bytes:
        """Return the first line and the headers of the request that has just been parsed, without `Upgrade`."""
        first = b"%s %s HTTP/%s\r\n" % (self.parser.get_method(), self.url, self.parser.get_http_version().encode())
        lines = [b"%s: %s\r\n" % (name, value) for name, value in self.headers if name != b"upgrade"]
        return b"".join([first, *lines, b"\r\n"])

    def _check_host(self, version: str) -> None:
        """Refuse addresses and headers from which two servers could read different hosts or paths (RFC 9112, 3.2)."""
        hosts = self._values(b"host")
        if version == "1.1" and len(hosts) != 1:  # of older ones `KnownHost` thinks
            raise self._stop(HTTPStatus.BAD_REQUEST, "Send exactly one header Host.")
        if b"#" in self.url:
            raise self._stop(HTTPStatus.BAD_REQUEST, "Send the address without a fragment.")
        if self.url.startswith(b"/") or self.url == b"*":
            return
        scheme, _, rest = self.url.partition(b"://")
        if scheme.lower() not in {b"http", b"https"}:
            raise self._stop(HTTPStatus.BAD_REQUEST, "Send a path, or an address that begins with http:// or https://.")
        named = rest.partition(b"/")[0].partition(b"?")[0]
        if hosts != [named.lower()]:
            raise self._stop(HTTPStatus.BAD_REQUEST, "The address and the header Host name different hosts.")

    def _check_length(self) -> None:
        """Refuse a length with so many digits, zeros in front, that Python does not read it as a number."""
        if any(len(value) > MOST_DIGITS for value in self._values(b"content-length")):
            raise self._stop(HTTPStatus.BAD_REQUEST, f"The Content-Length has more than {MOST_DIGITS} digits.")

    def _check_coding(self, version: str) -> None:
        """See that the body is in chunks or as it is: httptools reads `gzip, chunked` as if it were chunks only."""
        codings = self._values(b"transfer-encoding")
        if codings and version == "1.0":
            raise self._stop(HTTPStatus.BAD_REQUEST, "HTTP/1.0 has no Transfer-Encoding.")
        if codings not in ([], [b"chunked"]):
            raise self._stop(HTTPStatus.NOT_IMPLEMENTED, "Of transfer codings only chunked is known.")

    def _values(self, name: bytes) -> list[bytes]:
        return [value.strip().lower() for found, value in self.headers if found == name]

    def _stop(self, status: HTTPStatus, detail: str) -> ValueError:
        """Make what httptools takes for its parser's error, and uvicorn for a 400: `send_400_response` knows better."""
        self._fault = status, detail
        return ValueError(detail)

    def _seconds(self) -> float:
        top, seconds = self.longer or ("/", self.receive_seconds)
        return seconds if f"{self.scope['path']}/".startswith(f"{top}/") else self.receive_seconds

    def _wait(self, seconds: float | None) -> None:
        if self._clock:
            self._clock.cancel()
        self._clock = self.loop.call_later(seconds, self._too_slow) if seconds else None

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGI3Application) -> None:
        self._answering = cycle
        super()._start_asgi_task(cycle, app)

    def _owing(self) -> bool:
        """Say whether an answer is under way, or one to an earlier request than that which is arriving."""
        cycle = self._answering
        if not cycle or cycle.response_complete:
            return False
        arriving = self._arriving and not self._in_head and cycle is self.cycle
        return cycle.response_started or not arriving

    def _linger(self) -> bool:
        """Send no more, and take and drop what comes for a while; False where there is nothing to wait for."""
        if not (self._arriving and self.transport.can_write_eof()):
            return False
        self._lingering = True
        for cycle in (self._answering, self.cycle):
            if cycle and not cycle.response_complete:  # as when a connection is lost
                cycle.disconnected = True
                cycle.message_event.set()
        self.transport.write_eof()
        self.flow.resume_reading()
        self._wait(None)
        self._clock = self.loop.call_later(LINGER_SECONDS, self.transport.close)
        return True

    def _too_slow(self) -> None:
        if not self.transport.is_closing():
            self._refuse(HTTPStatus.REQUEST_TIMEOUT, "The request did not arrive in time.")

    def _refuse(self, status: HTTPStatus, detail: str) -> None:
        if self.refused:
            self.refused(status)
        if self._owing():
            self.transport.close()  # another answer would be taken for this one, or for its end
            return
        body = {"type": "about:blank", "title": status.phrase, "status": status, "detail": detail}
        content = json.dumps(body).encode()
        head = f"HTTP/1.1 {status} {status.phrase}\r\nContent-Type: {MEDIA_TYPE}\r\nContent-Length: {len(content)}\r\n"
        self.transport.write(head.encode() + b"Connection: close\r\n\r\n" + content)
        self.transport.close()


def http_limits(
    receive_seconds: float,
    refused: Callable[[HTTPStatus], None] | None = None,
    longer: tuple[str, float] | None = None,
) -> type[HttpLimitsProtocol]:
    """Make the class for a server in which a whole request may take so many seconds to arrive; the rest as there."""
    members = {
        "receive_seconds": receive_seconds,
        "refused": staticmethod(refused) if refused else None,
        "longer": longer,
    }
    return type("BoundedProtocol", (HttpLimitsProtocol,), members)
