"""Ports that are a test's own from the moment they are chosen."""

from __future__ import annotations

import socket
import sys

from bestguess.supervisor.redis import LOOPBACK, PORTS
from bestguess.supervisor.redis import free_port as unused_port

_held: list[socket.socket] = []


def free_port() -> int:
    """Return a port on loopback that no other process gets before a server listens on it.

    This process keeps it bound to its end. On Linux a server that sets SO_REUSEADDR, as all of ours do, can listen on
    such a port, and whoever looks for a free one gets another. On other systems the port may be taken meanwhile.
    """
    while True:
        port = unused_port(PORTS)
        if sys.platform != "linux":
            return port
        holder = socket.socket()
        try:
            holder.bind((LOOPBACK, port))  # without the option: of two who have found it one gets it
        except OSError:
            holder.close()
            continue
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        _held.append(holder)
        return port
