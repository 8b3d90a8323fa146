"""Limits on HTTP at the socket: uvicorn waits for ever for a slow client, and accepts headers of any length.

A connection goes round this circle, with a time limit for each arrow that waits for the client:

    idle --first byte--> head --end of headers--> body --end of body--> whole --answer is sent--> idle
    HEAD_SECONDS         HEAD_SECONDS             receive_seconds       (no limit of ours)        (uvicorn's keep-alive)

An answer may begin as early as in `body`, and further requests may arrive before it is sent: uvicorn queues them. What
breaks a limit in `idle`, `head` or `body`, or can be read in two ways, is refused:

    refused --no answer is under way--> problem+json --> lingering --LINGER_SECONDS--> closed
        `----one is under way-------------------------------------------------------> closed

`lingering` takes and drops what the client still sends, so that it can read the answer.
"""

from __future__ import annotations

import json
from collections import defaultdict
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Literal

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from app.errors import MEDIA_TYPE

if TYPE_CHECKING:
    from asyncio import TimerHandle, Transport
    from collections.abc import Callable, Sequence

    from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

HEAD_BYTES = 64 * 1024  # of a request's first line and headers together, and of what comes behind a body
MOST_HEADERS = 100  # as Apache and HAProxy have it; browsers send some twenty
MOST_DIGITS = 20  # of a Content-Length: as many as 2 ** 64 has
HEAD_SECONDS = 10.0  # from a connection, or a request's first byte, to the end of its headers
# After an answer to a request that has not arrived whole. Bytes that nobody reads make the system reset the connection,
# and with it goes an answer that is still on its way (RFC 9112, 9.6).
LINGER_SECONDS = 2.0
TOO_LONG = f"The headers are longer than {HEAD_BYTES:,} bytes."
TOO_MANY = f"There are more than {MOST_HEADERS} headers."


class _HalfClosingTransport:
    """A transport whose `close` asks the protocol first; all else is the transport's own."""

    def __init__(self, transport: Transport, linger: Callable[[], bool]) -> None:
        self._transport, self._linger = transport, linger
        self.write = transport.write
        self.is_closing: Callable[[], bool] = transport.is_closing

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever a transport has
        return getattr(self._transport, name)

    def close(self) -> None:
        """Close now, or only our half, once, where the protocol lingers."""
        if self.is_closing() or not self._linger():
            self._transport.close()
        self.is_closing = lambda: True


class HttpLimitsProtocol(HttpToolsProtocol):
    """Refuses endless headers, slow clients, and what can be read in two ways; each as problem+json."""

    receive_seconds = 120.0  # for a whole request; `http_limits` makes a class with another
    longer: tuple[str, float] | None = None  # below this path it is so many seconds
    refused: Callable[[HTTPStatus], None] | None = None  # is called for each connection that is refused

    _arriving: Literal["", "head", "body"] = ""  # which part of a request, if any
    _lingering = False
    _deadline: float | None = None  # for what the client has to send now, in the event loop's time
    _clock: TimerHandle
    _head_bytes = 0
    _brings_body = False  # whether the bytes at hand have a part of a body
    # Requests without a complete answer, when the newest came; uvicorn answers the first, and its `cycle` is the last.
    _cycles: Sequence[RequestResponseCycle] = ()
    _fault: tuple[HTTPStatus, str] | None = None  # why the parser was stopped, where it was us

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]
        """Begin to wait for a request."""
        super().connection_made(_HalfClosingTransport(transport, self._linger))  # type: ignore[arg-type]
        self._deadline = self.loop.time() + min(HEAD_SECONDS, self.receive_seconds)
        self._clock = self.loop.call_at(self._deadline, self._too_slow)

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop waiting."""
        self._clock.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:  # noqa: C901 - one bound after the other
        """Parse bytes, and count those of no body; does what uvicorn's method does, but for upgrades.

        The parser's callbacks say what is waited for next, and until when.
        """
        if self._lingering:
            return
        deadline = self._deadline
        self._unset_keepalive_if_required()
        self._brings_body = False
        try:
            try:
                self.parser.feed_data(data)
            except httptools.HttpParserUpgrade as offer:
                self._parse_without_upgrade(memoryview(data)[offer.args[0] :])
        except httptools.HttpParserError:
            self.logger.warning("Invalid HTTP request received.")
            self._refuse(*(self._fault or (HTTPStatus.BAD_REQUEST, "Invalid HTTP request received.")))
            return
        if self.transport.is_closing():
            return
        if self._arriving and not self._brings_body:  # what is whole was within its limits, be it many requests at once
            self._head_bytes += len(data)
        if self._arriving and len(self.headers) > MOST_HEADERS:  # of a head or trailers that go on
            self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, TOO_MANY)
            return
        if self._head_bytes > HEAD_BYTES:
            self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, TOO_LONG)
            return
        if self._deadline is None and (self.cycle is None or self.cycle.response_complete):
            # An empty line begins no request, but uvicorn has stopped its own clock for it.
            self._deadline = self.loop.time() + min(HEAD_SECONDS, self.receive_seconds)
        if self._deadline != deadline:
            self._clock.cancel()
            if self._deadline is not None:
                self._clock = self.loop.call_at(self._deadline, self._too_slow)

    def _parse_without_upgrade(self, rest: memoryview) -> None:
        """Parse the head that has just been parsed again, without its offer of an upgrade (RFC 9110, 7.8).

        httptools takes whatever follows such a head for another protocol: it reports a request without a body, and
        would parse the body as the next request. By a new parser: the old one would discard all that follows
        `Connection: close`. The rest is what came behind the head; it may have further requests with such an offer.
        """
        offered = True
        while offered:
            version = self.parser.get_http_version().encode()
            first = b"%s %s HTTP/%s\r\n" % (self.parser.get_method(), self.url, version)
            lines = [b"%s: %s\r\n" % (name, value) for name, value in self.headers if name != b"upgrade"]
            self.parser = httptools.HttpRequestParser(self)
            self.parser.set_dangerous_leniencies(lenient_data_after_close=True)  # as uvicorn does
            self.parser.feed_data(b"".join([first, *lines, b"\r\n"]))
            try:
                self.parser.feed_data(rest)
                offered = False
            except httptools.HttpParserUpgrade as offer:
                rest = rest[offer.args[0] :]

    def on_message_begin(self) -> None:
        """Begin a request."""
        super().on_message_begin()
        self._arriving, self._head_bytes = "head", 0
        self._deadline = self.loop.time() + min(HEAD_SECONDS, self.receive_seconds)

    def on_headers_complete(self) -> None:
        """Check what httptools lets pass, and begin to wait for the body."""
        if self.parser.get_method() == b"CONNECT":
            raise self._stop(HTTPStatus.NOT_IMPLEMENTED, "This service does not open tunnels.")
        if self.parser.should_upgrade():
            return  # it is parsed again without the offer, and only then is it checked and answered
        self._check_head()
        self._arriving = "body"
        super().on_headers_complete()
        self._cycles = [*(cycle for cycle in self._cycles if not cycle.response_complete), self.cycle]
        self.headers = []  # trailers are no headers (RFC 9110, 6.5.1): they are only counted
        in_longer = self.longer and f"{self.scope['path']}/".startswith(f"{self.longer[0]}/")
        seconds = self.longer[1] if self.longer and in_longer else self.receive_seconds
        self._deadline = self.loop.time() + seconds

    def on_body(self, body: bytes) -> None:
        """Take a part of the body."""
        self._brings_body, self._head_bytes = True, 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        """End a request."""
        if self.parser.should_upgrade():
            return
        if len(self.headers) > MOST_HEADERS:
            raise self._stop(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, TOO_MANY)
        self._arriving, self._deadline = "", None
        super().on_message_complete()

    def _check_head(self) -> None:  # noqa: C901 - one check after the other
        """Refuse what is not HTTP/1, or is too long, or from which two servers could read different requests.

        That is a body whose length is not certain, and an address or headers from which different hosts or paths could
        be read (RFC 9112, 3.2).
        """
        if len(self.headers) > MOST_HEADERS:
            raise self._stop(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, TOO_MANY)
        if len(self.url) + sum(len(name) + len(value) for name, value in self.headers) > HEAD_BYTES:
            raise self._stop(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, TOO_LONG)
        values: defaultdict[bytes, list[bytes]] = defaultdict(list)
        for name, value in self.headers:
            values[name].append(value.strip().lower())
        version = self.parser.get_http_version()
        if version not in {"1.0", "1.1"}:
            raise self._stop(HTTPStatus.HTTP_VERSION_NOT_SUPPORTED, "This service speaks HTTP/1.1.")

        # So many digits, zeros in front, that Python does not read it as a number.
        if any(len(value) > MOST_DIGITS for value in values[b"content-length"]):
            raise self._stop(HTTPStatus.BAD_REQUEST, f"The Content-Length has more than {MOST_DIGITS} digits.")
        codings = values[b"transfer-encoding"]
        if codings and version == "1.0":
            raise self._stop(HTTPStatus.BAD_REQUEST, "HTTP/1.0 has no Transfer-Encoding.")
        if codings not in ([], [b"chunked"]):  # httptools reads `gzip, chunked` as if it were chunks only
            raise self._stop(HTTPStatus.NOT_IMPLEMENTED, "Of transfer codings only chunked is known.")

        hosts = values[b"host"]
        if version == "1.1" and len(hosts) != 1:  # those of HTTP/1.0 are left to TrustedHostMiddleware
            raise self._stop(HTTPStatus.BAD_REQUEST, "Send exactly one header Host.")
        if b"#" in self.url:
            raise self._stop(HTTPStatus.BAD_REQUEST, "Send the address without a fragment.")
        if not self.url.startswith(b"/") and self.url != b"*":
            scheme, _, rest = self.url.partition(b"://")
            if scheme.lower() not in {b"http", b"https"}:
                detail = "Send a path, or an address that begins with http:// or https://."
                raise self._stop(HTTPStatus.BAD_REQUEST, detail)
            named = rest.partition(b"/")[0].partition(b"?")[0]
            if hosts != [named.lower()]:
                detail = "The address and the header Host name different hosts."
                raise self._stop(HTTPStatus.BAD_REQUEST, detail)

    def _stop(self, status: HTTPStatus, detail: str) -> ValueError:
        """Make the error by which a callback stops the parser; `data_received` refuses the connection for it."""
        self._fault = status, detail
        return ValueError(detail)

    def _owes_answer(self) -> bool:
        """Return whether an answer is under way, or one to an earlier request than that which is arriving."""
        owed = [cycle for cycle in self._cycles if not cycle.response_complete]
        return bool(owed) and (owed[0].response_started or len(owed) > 1 or self._arriving != "body")

    def _linger(self) -> bool:
        """Send no more, and take and drop what comes for a while; False where there is nothing to wait for."""
        if not (self._arriving and self.transport.can_write_eof()):
            return False
        self._lingering = True
        for cycle in self._cycles:
            if not cycle.response_complete:  # as when a connection is lost
                cycle.disconnected = True
                cycle.message_event.set()
        self.transport.write_eof()
        self.flow.resume_reading()
        self._clock.cancel()
        self._clock = self.loop.call_later(LINGER_SECONDS, self.transport.close)
        return True

    def _too_slow(self) -> None:
        if not self.transport.is_closing():
            self._refuse(HTTPStatus.REQUEST_TIMEOUT, "The request did not arrive in time.")

    def _refuse(self, status: HTTPStatus, detail: str) -> None:
        if self.refused:
            self.refused(status)
        if self._owes_answer():
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
    """Make the protocol's class for a server in which a whole request may take so many seconds to arrive."""
    members = {
        "receive_seconds": receive_seconds,
        "refused": staticmethod(refused) if refused else None,
        "longer": longer,
    }
    return type("HttpLimitsProtocol", (HttpLimitsProtocol,), members)
