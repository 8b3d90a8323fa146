"""Headers as nobody would write them, over a real socket, to every kind of call."""

from __future__ import annotations

import http.client
import socket
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, seed
from hypothesis import strategies as st

from support.fuzz_budget import examples, seeds
from support.images import encoded, noise

if TYPE_CHECKING:
    from support.live_server import Live

CALLS = (
    b"GET /healthz",
    b"GET /readyz",
    b"GET /metrics",
    b"GET /",
    b"GET /docs/swagger-ui.css",
    b"GET /openapi.json",
    b"GET /models/vgg16",
    b"GET /jobs",
    b"GET /jobs/job_1/events",
    b"POST /classify",
    b"POST /jobs/mnist-train",
    b"DELETE /models/aliases/a",
)
NAMES = (
    *(b"Accept", b"Accept-Encoding", b"Accept-Language", b"Accept-Charset", b"Range", b"If-Range", b"If-None-Match"),
    *(b"If-Modified-Since", b"Cookie", b"Origin", b"Referer", b"User-Agent", b"X-Forwarded-For", b"X-Forwarded-Host"),
    *(b"X-Forwarded-Proto", b"Forwarded", b"Via", b"traceparent", b"tracestate", b"baggage", b"X-Request-ID"),
    *(b"Content-Type", b"Content-Encoding", b"Content-Disposition", b"Expect", b"Last-Event-ID", b"Idempotency-Key"),
    *(b"Authorization", b"X-API-Key", b"Access-Control-Request-Method", b"Sec-Fetch-Site", b"Host", b"Cache-Control"),
)
VALUES = (
    *(
        b"",
        b" ",
        b"*",
        b"*/*",
        b"*/*;q=NaN",
        b"text/event-stream",
        b";;;,,,",
        b"a=b; a=b",
        b"null",
        b"None",
        b"\xff\xfe",
    ),
    *(b"bytes=0-", b"bytes=-1", b"bytes=9-1", b"bytes=0-0,1-1,2-2", b'W/"', b"multipart/form-data", b'image/png; x="'),
    *(b"multipart/form-data; boundary=", b'multipart/form-data; boundary="\xe9', b"application/json; charset=utf-7"),
    *(b"Thu, 99 Foo 9999", b'for="[::1', b"::1%lo, 127.0.0.1, ,", b"00-" + b"0" * 32 + b"-" + b"f" * 16 + b"-01"),
    *(b"99999999999999999999-0", b"Bearer", b"Bearer a b", b"Basic AAAA", b"gzip, deflate, br;q=2", b"100-continue"),
    *(b"../../etc/passwd", b"${jndi:ldap://x}", b"%00%0d%0aX: y", b"\xc3\x28", b"a" * 9000),
)
LINE = st.tuples(
    st.sampled_from(NAMES),
    st.sampled_from(VALUES) | st.binary(max_size=40).map(lambda value: value.translate(None, b"\r\n\0")),
)
PICTURE = encoded(noise((20, 20)), "PNG")


@pytest.mark.fuzz
def test_no_header_is_a_server_error(api: Live) -> None:
    """Whatever stands in the headers, the answer is HTTP and no error of the service's."""
    for number in seeds():

        @seed(number)
        @examples(quick=150, steps=1)
        @given(st.sampled_from(CALLS), st.lists(LINE, max_size=6))
        def one(call: bytes, lines: list[tuple[bytes, bytes]]) -> None:
            status = answered(api, call, lines)
            assert 100 < status < 500, status

        one()


def answered(api: Live, call: bytes, lines: list[tuple[bytes, bytes]]) -> int:
    """Call, and return the status."""
    body = PICTURE if call.startswith(b"POST") else b""
    head = [call + b" HTTP/1.1", b"Host: localhost", b"Connection: close", b"Content-Length: %d" % len(body)]
    head += [name + b": " + value for name, value in lines]
    address = api.client.base_url.host, api.client.base_url.port or 0
    with socket.create_connection(address, 30) as connection:
        connection.sendall(b"\r\n".join([*head, b"", body]))
        answer = http.client.HTTPResponse(connection, method=call.split()[0].decode())
        answer.begin()
        answer.read()
        return answer.status
