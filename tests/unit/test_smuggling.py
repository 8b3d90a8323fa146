"""Requests that two servers could read in two ways, sent without a proxy before us: none is taken for two."""

import contextlib
import re
import socket

import pytest

from support.live_server import Live

HOST = b"Host: localhost\r\n"
GET = b"GET /models HTTP/1.1\r\n" + HOST
POST = b"POST /classify HTTP/1.1\r\n" + HOST + b"Content-Type: image/png\r\n"
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"
HIDDEN = b"GET /hidden HTTP/1.1\r\n" + HOST + b"\r\n"
END = b"0\r\n\r\n"

LENGTHS = [b"5, 5", b"+5", b"-5", b"0x5", b"", b"5 5", b"99999999999999999999", b"\xb2", b"5\r\nContent-Length: 0"]
CODINGS = [
    *(
        b"xchunked",
        b"identity",
        b"chunked, identity",
        b"gzip, chunked",
        b"\x0bchunked",
        b"\r\n chunked",
        b"chunked;a=b",
    ),
    *(b"chunked\r\nTransfer-Encoding: identity", b"chunked\r\nTransfer-Encoding: chunked"),
]
CHUNKS = [
    b"3\nabc\n0\n\n",
    b"3;\nabc\r\n0\r\n\r\n",
    b"0x3\r\nabc\r\n",
    b"-3\r\nabc\r\n",
    b"3\r\nabcd\r\n",
    b"3 3\r\nabc\r\n",
]
REFUSED = {
    "CL.TE": POST + b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n" + END + HIDDEN,
    "TE.CL": POST + b"Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n2d\r\n" + HIDDEN + b"\r\n" + END,
    "a space before the colon": POST + b"Transfer-Encoding : chunked\r\n\r\n" + END + HIDDEN,
    "chunks in HTTP/1.0": CHUNKED.replace(b"1.1", b"1.0") + END + HIDDEN,
    "a length behind the body": CHUNKED + b"3\r\nabc\r\n0\r\nContent-Length: 50\r\n\r\n" + HIDDEN,
    "a chunk beyond all numbers": CHUNKED + b"10000000000000003\r\nabc\r\n" + END + HIDDEN,
    "a folded header": GET + b"X: a\r\n b\r\n\r\n",
    "a header before the first": b"GET /models HTTP/1.1\r\n X: a\r\n" + HOST + b"\r\n",
    "lines without CR": GET.replace(b"\r\n", b"\n") + b"\n",
    "one line without CR": GET + b"X: a\nTransfer-Encoding: chunked\r\n\r\n" + HIDDEN,
    "a CR in a header": GET + b"X: a\rTransfer-Encoding: chunked\r\n\r\n",
    "a NUL in a header": GET + b"X: a\0b\r\n\r\n",
    "a name of other letters": GET + b"Transfer\xffEncoding: chunked\r\n\r\n",
    "a header without a colon": GET + b"chunked\r\n\r\n",
    "a header without a name": GET + b": chunked\r\n\r\n",
    "no Host": b"GET /models HTTP/1.1\r\n\r\n",
    "two hosts": GET + b"Host: elsewhere\r\n\r\n",
    "two hosts in one": b"GET /models HTTP/1.1\r\nHost: localhost, elsewhere\r\nConnection: close\r\n\r\n",
    "a Host with a space": b"GET /models HTTP/1.1\r\nHost : localhost\r\n\r\n",
    "an address elsewhere": b"GET http://elsewhere/models HTTP/1.1\r\n" + HOST + b"\r\n",
    "an address with a name": b"GET http://me@localhost/models HTTP/1.1\r\n" + HOST + b"\r\n",
    "an address in another scheme": b"GET ftp://localhost/models HTTP/1.1\r\n" + HOST + b"\r\n",
    "a star before a path": b"OPTIONS */models HTTP/1.1\r\n" + HOST + b"\r\n",
    "a fragment": b"GET /models#/hidden HTTP/1.1\r\n" + HOST + b"\r\n",
    "a fragment in a whole address": b"GET http://localhost/models?a#b HTTP/1.1\r\n" + HOST + b"\r\n",
    "a NUL in the path": b"GET /mo\0dels HTTP/1.1\r\n" + HOST + b"\r\n",
    "HTTP/0.9": b"GET /models\r\n\r\n",
    "HTTP/9.9": b"GET /models HTTP/9.9\r\n" + HOST + b"\r\n",
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "a tunnel": b"CONNECT elsewhere:443 HTTP/1.1\r\n" + HOST + b"\r\n" + HIDDEN,
    "a tunnel without a Host": b"CONNECT elsewhere:443 HTTP/1.1\r\nHost:\r\n\r\n" + HIDDEN,
    "a length of 5,000 digits": POST + b"Content-Length: " + b"0" * 5000 + b"5\r\n\r\nhello",
    "10,000 headers": GET + b"".join(b"X%d: a\r\n" % number for number in range(10_000)) + b"\r\n",
    "10,000 small headers": GET + b"a:\r\n" * 10_000 + b"\r\n",
    "headers of 100 KB at once": GET + b"X: " + b"a" * 100_000 + b"\r\n\r\n",
    "headers behind the body without end": CHUNKED + b"3\r\nabc\r\n0\r\n" + b"X: y\r\n" * 100_000,
    **{f"length {value!r}": POST + b"Content-Length: " + value + b"\r\n\r\nhello" + HIDDEN for value in LENGTHS},
    **{f"coding {value!r}": POST + b"Transfer-Encoding: " + value + b"\r\n\r\n" + END + HIDDEN for value in CODINGS},
    **{f"chunk {value!r}": CHUNKED + value + END + HIDDEN for value in CHUNKS},
}


def received(service: Live, sent: bytes) -> bytes:
    """Send bytes and end, and read until the server closes, or has nothing more to say."""
    address = service.client.base_url.host, service.client.base_url.port or 0
    with socket.create_connection(address, 30) as connection:
        found = b""
        with contextlib.suppress(ConnectionError):
            connection.sendall(sent)
            while piece := connection.recv(65_536):
                found += piece
    return found


def statuses(answer: bytes) -> list[int]:
    """List the status of each answer."""
    return [int(status) for status in re.findall(rb"HTTP/1\.1 (\d{3}) ", answer)]


@pytest.mark.parametrize("name", REFUSED)
def test_one_refusal(service: Live, name: str) -> None:
    """What could be read in two ways is refused once, the connection closed, and what is behind it not looked at."""
    answer = received(service, REFUSED[name])
    assert b"hidden" not in answer
    if answer:  # the rest of a very large request may reset the socket
        assert len(statuses(answer)) == 1
        assert statuses(answer)[0] in {400, 421, 431, 501, 505}
        assert b"application/problem+json" in answer
    assert service.client.get("/healthz").status_code == 200


def test_headers_behind_a_body_are_none(service: Live) -> None:
    """What is sent as a header behind the body is not one: a key there, or a name, was not checked by anybody."""
    trailer = b"X-Request-ID: from-behind\r\n"
    answer = received(service, CHUNKED + b"3\r\nabc\r\n0\r\n" + trailer + b"\r\n" + GET + b"Connection: close\r\n\r\n")
    assert statuses(answer) == [400, 200]
    assert b"from-behind" not in answer


@pytest.mark.parametrize("wish", [b"h2c", b"websocket", b"TLS/1.2"])
def test_wishes_for_another_protocol(service: Live, wish: bytes) -> None:
    """Who wants to go on in another protocol is answered in this one, and a body is no further request."""
    offer = b"Connection: Upgrade\r\nUpgrade: " + wish + b"\r\nSec-WebSocket-Version: 13\r\n"
    last = GET + b"Connection: close\r\n" + offer + b"\r\n"
    body = b"Content-Length: %d\r\n" % len(HIDDEN) + offer + b"\r\n" + HIDDEN
    answer = received(service, POST + body + last)
    assert statuses(answer) == [400, 200]
    assert b"hidden" not in answer


def test_what_is_in_order(service: Live) -> None:
    """What is unusual and clear is answered: an address in full, chunks with extensions, a length said for nothing."""
    full = b"GET http://localhost/models HTTP/1.1\r\n" + HOST + b"Connection: close\r\n\r\n"
    chunks = CHUNKED.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n") + b"3;a=b\r\nabc\r\n" + END
    length = GET + b"Content-Length: 0\r\nConnection: close\r\n\r\n"
    assert [statuses(received(service, sent)) for sent in (full, chunks, length)] == [[200], [400], [200]]
    assert b"not-an-image" in received(service, chunks)
