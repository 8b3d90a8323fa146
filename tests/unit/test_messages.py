import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from vision.decode import decoder

MEBIBYTE = 1024 * 1024
Ends = tuple[socket.socket, socket.socket]


@pytest.fixture
def ends() -> Iterator[Ends]:
    """Connect two sockets."""
    one, other = socket.socketpair()
    with one, other:
        yield one, other


def test_a_message_arrives(ends: Ends) -> None:
    """Words and bytes come out as they went in, several pieces of bytes as one."""
    decoder.send(ends[0], {"views": [1, 2]}, b"abc", b"", b"de")
    decoder.send(ends[0], {})
    assert decoder.receive(ends[1], 1000) == ({"views": [1, 2]}, b"abcde")
    assert decoder.receive(ends[1], 1000) == ({}, b"")


def test_more_than_a_socket_holds(ends: Ends) -> None:
    """A message that is larger than the kernel's buffers arrives whole."""
    data = bytes(range(256)) * 4 * 4096
    sending = threading.Thread(target=decoder.send, args=(ends[0], {"a": "ü"}, data, data))
    sending.start()
    assert decoder.receive(ends[1], 9 * MEBIBYTE) == ({"a": "ü"}, data + data)
    sending.join()


@pytest.mark.parametrize("arrived", [0, 1, 16, 20, 1000])
def test_a_closed_end(ends: Ends, arrived: int) -> None:
    """Where the other end closes before or within a message, that is said, and nothing is waited for."""
    whole = decoder.HEAD.pack(2, 5000) + b"{}" + bytes(5000)
    ends[0].sendall(whole[:arrived])
    ends[0].close()
    with pytest.raises(EOFError):
        decoder.receive(ends[1], MEBIBYTE)


def test_too_large(ends: Ends) -> None:
    """A message that says that it is larger than expected is not read."""
    ends[0].sendall(decoder.HEAD.pack(2, MEBIBYTE))
    with pytest.raises(OSError, match="1,048,578 bytes"):
        decoder.receive(ends[1], MEBIBYTE)


def test_a_silent_end(ends: Ends) -> None:
    """Who sends nothing, or half of it, is waited for no longer than the timeout."""
    decoder.limit_waits(ends[1], 0.05)
    with pytest.raises(BlockingIOError):
        decoder.receive(ends[1], MEBIBYTE)
    ends[0].sendall(decoder.HEAD.pack(2, 5)[:7])
    with pytest.raises(BlockingIOError):
        decoder.receive(ends[1], MEBIBYTE)


def test_a_deaf_end(ends: Ends) -> None:
    """Nor is who takes nothing."""
    decoder.limit_waits(ends[0], 0.05)
    with pytest.raises(BlockingIOError):
        decoder.send(ends[0], {}, bytes(8 * MEBIBYTE))


def test_no_time_is_not_for_ever(ends: Ends) -> None:
    """A timeout of less than the kernel can count is short, where 0 would be none."""
    decoder.limit_waits(ends[1], 0)
    with pytest.raises(BlockingIOError):
        decoder.receive(ends[1], MEBIBYTE)


class Interrupted:
    """A socket whose every call a signal interrupts after the first byte."""

    def __init__(self) -> None:
        self.bytes = bytearray()

    def sendmsg(self, parts: list[bytes]) -> int:
        """Take one byte."""
        self.bytes += parts[0][:1]
        return 1

    def sendall(self, data: bytes) -> None:
        """Take the rest, as Python's does after a signal."""
        self.bytes += data

    def recv(self, _size: int, _flags: int) -> bytes:
        """Give one byte."""
        return bytes([self.bytes.pop(0)])


def test_signals_do_not_matter() -> None:
    """A message arrives whole even where a signal interrupts its sender and its receiver."""
    connection: Any = Interrupted()
    decoder.send(connection, {"a": 1}, b"abc", b"de")
    assert decoder.receive(connection, 1000) == ({"a": 1}, b"abcde")
    assert not connection.bytes
