"""TCP proxy between a browser and a service, which a test can cut and restore."""

from __future__ import annotations

import contextlib
import selectors
import socket
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterator

CHUNK = 65_536


class Relay:
    """Carries bytes from a port of its own to a service's; while it is cut, whoever connects is turned away."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._target = (parts.hostname, parts.port)
        self._door = socket.create_server(("127.0.0.1", 0))
        self._open: set[socket.socket] = set()
        self._whole = True
        self._lock = threading.Lock()
        self.url = f"http://127.0.0.1:{self._door.getsockname()[1]}"

    def cut(self) -> None:
        """Break every connection, and refuse new ones."""
        with self._lock:
            self._whole = False
            for one in self._open:
                with contextlib.suppress(OSError):
                    one.shutdown(socket.SHUT_RDWR)

    def mend(self) -> None:
        """Carry again."""
        self._whole = True

    def run(self) -> None:
        """Take connections until the door is closed."""
        with contextlib.suppress(OSError):
            while True:
                near, _ = self._door.accept()
                threading.Thread(target=self._carry, args=(near,), daemon=True).start()

    def close(self) -> None:
        """End it."""
        with contextlib.suppress(OSError):
            self._door.shutdown(socket.SHUT_RDWR)
        self._door.close()
        self.cut()

    def _carry(self, near: socket.socket) -> None:
        with near, contextlib.suppress(OSError), socket.create_connection(self._target) as far:
            with self._lock:
                if not self._whole:
                    return
                self._open |= {near, far}
            try:
                _exchange(near, far)
            finally:
                with self._lock:
                    self._open -= {near, far}


@contextmanager
def relay(url: str) -> Iterator[Relay]:
    """Lay a line to a service until the end of the block."""
    line = Relay(url)
    threading.Thread(target=line.run, daemon=True).start()
    try:
        yield line
    finally:
        line.close()


def _exchange(one: socket.socket, other: socket.socket) -> None:
    with selectors.DefaultSelector() as selector:
        selector.register(one, selectors.EVENT_READ, other)
        selector.register(other, selectors.EVENT_READ, one)
        while True:
            for key, _ in selector.select():
                data = key.fileobj.recv(CHUNK)  # type: ignore[union-attr]
                if not data:
                    return
                key.data.sendall(data)
