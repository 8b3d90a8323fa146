"""Request-smuggling bodies: where one server sees a body, another sees the next request."""

from __future__ import annotations

import contextlib
import socket

# Each: what stands in the head after the Host, and the body. INNER is the request that is to be smuggled in.
FRAMINGS = {
    "length and chunks": (b"Content-Length: %(whole)d\r\nTransfer-Encoding: chunked\r\n", b"0\r\n\r\n%(inner)s"),
    "chunks and length": (
        b"Transfer-Encoding: chunked\r\nContent-Length: 4\r\n",
        b"%(size)x\r\n%(inner)s\r\n0\r\n\r\n",
    ),
    "two lengths": (b"Content-Length: 0\r\nContent-Length: %(size)d\r\n", b"%(inner)s"),
    "a list of lengths": (b"Content-Length: 0, %(size)d\r\n", b"%(inner)s"),
    "a length with a sign": (b"Content-Length: +%(size)d\r\n", b"%(inner)s"),
    "a length in hexadecimal": (b"Content-Length: 0x%(size)x\r\n", b"%(inner)s"),
    "a length that is too large": (b"Content-Length: 18446744073709551616\r\n", b"%(inner)s"),
    "a length below nothing": (b"Content-Length: -1\r\n", b"%(inner)s"),
    "a length with a space before the colon": (b"Content-Length : %(size)d\r\n", b"%(inner)s"),
    "a length that is folded": (b"Content-Length:\r\n %(size)d\r\n", b"%(inner)s"),
    "chunks with a space before the colon": (
        b"Content-Length: %(whole)d\r\nTransfer-Encoding : chunked\r\n",
        b"0\r\n\r\n%(inner)s",
    ),
    "chunks after a tab": (
        b"Content-Length: %(whole)d\r\nTransfer-Encoding:\tchunked\r\n",
        b"0\r\n\r\n%(inner)s",
    ),
    "chunks after a vertical tab": (
        b"Content-Length: %(whole)d\r\nTransfer-Encoding:\x0bchunked\r\n",
        b"0\r\n\r\n%(inner)s",
    ),
    "chunks with a zero byte": (
        b"Content-Length: %(whole)d\r\nTransfer-Encoding: chunked\x00\r\n",
        b"0\r\n\r\n%(inner)s",
    ),
    "chunks in quotes": (
        b'Content-Length: %(whole)d\r\nTransfer-Encoding: "chunked"\r\n',
        b"0\r\n\r\n%(inner)s",
    ),
    "an unknown coding": (b"Content-Length: %(whole)d\r\nTransfer-Encoding: xchunked\r\n", b"0\r\n\r\n%(inner)s"),
    "chunks, then something else": (b"Transfer-Encoding: chunked, identity\r\n", b"0\r\n\r\n%(inner)s"),
    "two codings": (
        b"Content-Length: %(whole)d\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n",
        b"0\r\n\r\n%(inner)s",
    ),
    "a coding that is folded": (
        b"Content-Length: %(whole)d\r\nTransfer-Encoding:\r\n chunked\r\n",
        b"0\r\n\r\n%(inner)s",
    ),
    "a coding behind a bare line feed": (
        b"Content-Length: %(whole)d\r\nX: x\nTransfer-Encoding: chunked\r\n",
        b"0\r\n\r\n%(inner)s",
    ),
    "a coding behind a bare carriage return": (
        b"Content-Length: %(whole)d\r\nX: x\rTransfer-Encoding: chunked\r\n",
        b"0\r\n\r\n%(inner)s",
    ),
    "a chunk with a size that is too large": (
        b"Transfer-Encoding: chunked\r\n",
        b"ffffffffffffffff0\r\n%(inner)s\r\n0\r\n\r\n",
    ),
    "a chunk with a sign": (b"Transfer-Encoding: chunked\r\n", b"-1\r\n%(inner)s\r\n0\r\n\r\n"),
    "a chunk that ends in a bare line feed": (b"Transfer-Encoding: chunked\r\n", b"0\n\n%(inner)s"),
    "a chunk that is longer than it says": (b"Transfer-Encoding: chunked\r\n", b"1\r\nxx\r\n0\r\n\r\n%(inner)s"),
    "a zero chunk with an extension": (b"Transfer-Encoding: chunked\r\n", b"0;x=\n%(inner)s\r\n\r\n"),
    "two hosts": (b"Host: elsewhere.example\r\n", b"%(inner)s"),
    "an upgrade": (b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: \r\n", b"%(inner)s"),
    "an upgrade with a length": (b"Connection: Upgrade\r\nUpgrade: h2c\r\nContent-Length: %(size)d\r\n", b"%(inner)s"),
    "a length that is to be dropped": (b"Connection: Content-Length\r\nContent-Length: %(size)d\r\n", b"%(inner)s"),
}


def request(name: str, framing: str = "") -> bytes:
    """Write a request for a path of this name that has this name as its id, with another one inside where framed."""
    start = b"%(method)s /%(name)s HTTP/1.1\r\nHost: localhost\r\nX-Request-ID: %(name)s\r\n"
    if not framing:
        return start % {b"method": b"GET", b"name": name.encode()} + b"\r\n"
    head, body = FRAMINGS[framing]
    inner = request(name)
    sizes = {b"inner": inner, b"size": len(inner), b"whole": len(inner) + len(b"0\r\n\r\n")}
    return start % {b"method": b"POST", b"name": name.encode()} + head % sizes + b"\r\n" + body % sizes


def exchange(port: int, *pieces: bytes, patience: float) -> bytes:
    """Send pieces to this machine's port, and return what comes back until the end, or until so long a silence."""
    received = b""
    with (
        contextlib.suppress(TimeoutError, ConnectionError),
        socket.create_connection(("127.0.0.1", port), timeout=patience) as connection,
    ):
        with contextlib.suppress(ConnectionError):
            for piece in pieces:
                connection.sendall(piece)
        while more := connection.recv(65536):
            received += more
    return received
