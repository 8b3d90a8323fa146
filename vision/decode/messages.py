"""A message between the service and a decode process: a few words of JSON and bytes behind them, over a stream socket.

multiprocessing.connection takes three times as long for a photo: it makes a selector each time that it waits, writes
twice, and copies what it reads.
"""

from __future__ import annotations

import json
import socket
import struct
from typing import Any

HEAD = struct.Struct("!QQ")  # how long the words are, and how long the bytes
OUT_OF_MEMORY = 3  # a decode process's exit code where one file needs more memory than it may have
RECEIVED = b"."  # says that a task has arrived, so that what happens from now on is its doing


def send(connection: socket.socket, words: dict[str, Any], *data: bytes) -> None:
    """Write a message in one go.

    Raises:
        OSError: the other end is closed, or takes nothing for as long as the socket's timeout allows.
    """
    text = json.dumps(words).encode()
    message = (HEAD.pack(len(text), sum(map(len, data))), text, *data)
    sent = connection.sendmsg(message)
    if sent < sum(map(len, message)):  # a signal came between
        connection.sendall(b"".join(message)[sent:])


def receive(connection: socket.socket, largest: int) -> tuple[dict[str, Any], bytes]:
    """Read a message of at most `largest` bytes.

    Raises:
        EOFError: the other end is closed.
        BlockingIOError: nothing came for as long as the socket's timeout allows.
        OSError: the message is larger.
    """
    words, data = HEAD.unpack(exactly(connection, HEAD.size))
    if words + data > largest:
        raise OSError(f"a message of {words + data:,} bytes")
    return json.loads(exactly(connection, words)), exactly(connection, data)


def exactly(connection: socket.socket, size: int) -> bytes:
    """Read `size` bytes, into the one object that is returned.

    Raises:
        EOFError, BlockingIOError: as `receive`.
    """
    data = connection.recv(size, socket.MSG_WAITALL)
    while len(data) < size:  # a signal came between
        more = connection.recv(size - len(data), socket.MSG_WAITALL)
        if not more:
            raise EOFError
        data += more
    return data


def comes_within(connection: socket.socket, seconds: float) -> bool:
    """Return whether something to read, or the end, comes in time; nothing is read."""
    set_timeout(connection, socket.SO_RCVTIMEO, seconds)
    try:
        connection.recv(1, socket.MSG_PEEK)
    except BlockingIOError:
        return False
    return True


def set_timeout(connection: socket.socket, option: int, seconds: float) -> None:
    """Bound what one wait may take: `option` is SO_SNDTIMEO or SO_RCVTIMEO.

    The kernel's own timeout, because Python's makes the socket non-blocking, on which MSG_WAITALL waits for nothing.
    """
    whole, micro = divmod(max(1, round(seconds * 1_000_000)), 1_000_000)  # 0 would be for ever
    connection.setsockopt(socket.SOL_SOCKET, option, struct.pack("ll", whole, micro))
