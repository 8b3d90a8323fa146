"""The main loop of one decode process: a request and a file in, pixels or a problem out; limits set by itself."""

from __future__ import annotations

import json
import math
import os
import resource
import signal
import sys
from multiprocessing.connection import Connection
from typing import Any

from PIL import Image

from vision.images import Limits, Picture, View, decode
from vision.problems import ImageProblem

RECEIVED = b"."  # says that the task has arrived, so that what happens from now on is its doing
OPEN_FILES = 16  # the socket, the standard three, and a few of Python's own


def main(descriptor: int, seconds: float, memory_bytes: int) -> None:
    """Serve until the other end is closed.

    Args:
        descriptor: our end of the socket.
        seconds: processor time that one file may take.
        memory_bytes: memory that one file may take.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the service, which closes the socket when it ends
    Image.init()  # Pillow loads its decoders when first asked, which the limit on open files would not allow
    _limit(memory_bytes)
    connection = Connection(descriptor)
    while True:
        try:
            request, data = json.loads(connection.recv_bytes()), connection.recv_bytes()
            connection.send_bytes(RECEIVED)
        except (EOFError, OSError):
            return
        _limit_processor_time(seconds)
        header, pixels = _answer(request, data)
        connection.send_bytes(json.dumps(header).encode())
        connection.send_bytes(pixels)


def _answer(request: dict[str, Any], data: bytes) -> tuple[dict[str, Any], bytes]:
    try:
        picture = decode(data, tuple(View(**view) for view in request["views"]), Limits(**request["limits"]))
    except ImageProblem as problem:
        return {"problem": type(problem).__name__, "message": str(problem)}, b""
    return _header(picture), b"".join(view.tobytes() for view in picture.views)


def _header(picture: Picture) -> dict[str, Any]:
    shapes = [view.shape for view in picture.views]
    return {"width": picture.width, "height": picture.height, "format": picture.format, "views": shapes}


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


def _limit_processor_time(seconds: float) -> None:
    """Let this process be killed (SIGXCPU) when this one file takes longer, even if nobody is left to watch it."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    until = math.ceil(used.ru_utime + used.ru_stime + seconds) + 1
    resource.setrlimit(resource.RLIMIT_CPU, (until, resource.RLIM_INFINITY))


if __name__ == "__main__":
    main(int(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3]))
