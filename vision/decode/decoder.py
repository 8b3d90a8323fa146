"""The decode process: a request and a file in, pixels or a problem out, within limits that it sets itself.

A message between it and the service (`vision.decode.sandbox`) is JSON with bytes behind it, over a stream socket.
multiprocessing.connection takes three times as long for a photo: it makes a selector each time that it waits, writes
twice, and copies what it reads.

The process does not import NumPy, which would take most of its memory and start-up time.
"""

from __future__ import annotations

import json
import math
import os
import resource
import signal
import socket
import struct
import sys
from typing import Any

from vision.decode.images import Limits, View, render
from vision.errors import ImageProblem

OPEN_FILES = 16  # the socket, the standard three, and a few of Python's own
OUT_OF_MEMORY = 3  # the process's exit code where one file needs more memory than it may have
RECEIVED = b"."  # says that a task has arrived, so that what happens from now on is its doing
HEAD = struct.Struct("!QQ")  # of a message: the lengths of its JSON and of its bytes


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
    parts: list[bytes] = []
    ahead = [HEAD.size]  # the lengths of what is still to be read; the head tells those of the two parts behind it
    while ahead:
        part, length = b"", ahead.pop(0)
        while len(part) < length:
            more = connection.recv(length - len(part), socket.MSG_WAITALL)  # all at once, unless a signal comes between
            if not more:
                raise EOFError
            part += more  # nothing is copied where `part` is still empty
        if not parts:
            ahead = list(HEAD.unpack(part))
            if sum(ahead) > largest:
                raise OSError(f"a message of {sum(ahead):,} bytes")
        parts.append(part)
    return json.loads(parts[1]), parts[2]


def limit_waits(connection: socket.socket, seconds: float) -> None:
    """Bound how long one `send` or `receive` may wait for the other end.

    By the kernel's own timeout, because Python's makes the socket non-blocking, on which MSG_WAITALL waits for nothing.
    """
    whole, micro = divmod(max(1, round(seconds * 1_000_000)), 1_000_000)  # 0 would be for ever
    for option in (socket.SO_SNDTIMEO, socket.SO_RCVTIMEO):
        connection.setsockopt(socket.SOL_SOCKET, option, struct.pack("ll", whole, micro))


def main(descriptor: int, seconds: float, memory_bytes: int) -> None:
    """Serve until the other end is closed.

    Args:
        descriptor: our end of the socket.
        seconds: processor time that one file may take.
        memory_bytes: memory that one file may take; the process exits with `OUT_OF_MEMORY` where the file itself, or
            its pixels, do not fit.
    """
    # With these Pillow knows all that is accepted, and does not look for its forty other formats. They are loaded here,
    # before the limits hold.
    from PIL import BmpImagePlugin, GifImagePlugin, MpoImagePlugin, PngImagePlugin, WebPImagePlugin  # noqa: F401, PLC0415

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the service, which closes the socket when it ends
    _limit(memory_bytes)
    connection = socket.socket(fileno=descriptor)
    try:
        while True:
            _serve_one(connection, seconds)
    except MemoryError:
        os._exit(OUT_OF_MEMORY)  # at once: the other end must not see the socket closed before the code is set
    except (EOFError, OSError):
        return


def _limit(memory_bytes: int) -> None:
    """Bound memory, and forbid core files, writing to files, and many open files.

    The bound is on address space above what the interpreter has now. macOS does not enforce it; the clock still holds.
    """
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NOFILE, (OPEN_FILES, OPEN_FILES))
    if sys.platform == "linux":
        with open("/proc/self/statm", encoding="ascii") as statm:  # noqa: PTH123 - a file of the kernel's
            size = int(statm.read().split()[0]) * os.sysconf("SC_PAGE_SIZE")
        resource.setrlimit(resource.RLIMIT_AS, (size + memory_bytes, size + memory_bytes))


def _serve_one(connection: socket.socket, seconds: float) -> None:
    request, data = receive(connection, sys.maxsize)
    connection.sendall(RECEIVED)
    # The kernel kills this process (SIGXCPU) when this one file takes longer, even if nobody is left to watch it.
    used = resource.getrusage(resource.RUSAGE_SELF)
    until = math.ceil(used.ru_utime + used.ru_stime + seconds) + 1
    resource.setrlimit(resource.RLIMIT_CPU, (until, resource.RLIM_INFINITY))
    views, limits = tuple(View(**view) for view in request["views"]), Limits(**request["limits"])
    try:
        found = render(data, views, limits)
    except ImageProblem as problem:
        send(connection, {"problem": type(problem).__name__, "message": str(problem)})
        return
    shapes = [(image.height, image.width, len(image.getbands())) for image in found.images]
    answer = {"width": found.width, "height": found.height, "format": found.format, "shapes": shapes}
    send(connection, answer, *(image.tobytes() for image in found.images))


if __name__ == "__main__":
    main(int(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3]))
