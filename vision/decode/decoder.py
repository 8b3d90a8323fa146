"""The main loop of one decode process: a request and a file in, pixels or a problem out; limits set by itself.

It does without NumPy, which would take most of its memory and of the time until it is ready.
"""

from __future__ import annotations

import math
import os
import resource
import signal
import socket
import sys
from typing import TYPE_CHECKING, Any

# With these Pillow knows all that is accepted, and does not look for its forty other formats. They are loaded before
# the limits hold.
from PIL import BmpImagePlugin, GifImagePlugin, MpoImagePlugin, PngImagePlugin, WebPImagePlugin  # noqa: F401

from vision.decode import messages
from vision.decode.images import Limits, View, render
from vision.errors import ImageProblem

if TYPE_CHECKING:
    from vision.decode.images import Rendering

OPEN_FILES = 16  # the socket, the standard three, and a few of Python's own


def main(descriptor: int, seconds: float, memory_bytes: int) -> None:
    """Serve until the other end is closed.

    Args:
        descriptor: our end of the socket.
        seconds: processor time that one file may take.
        memory_bytes: memory that one file may take; the process exits with `messages.OUT_OF_MEMORY` where the file
            itself, or its pixels, do not fit.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the service, which closes the socket when it ends
    _limit(memory_bytes)
    connection = socket.socket(fileno=descriptor)
    try:
        while True:
            _serve_one(connection, seconds)
    except MemoryError:
        os._exit(messages.OUT_OF_MEMORY)  # at once: the other end must not see the socket closed before the code is set
    except (EOFError, OSError):
        return


def _serve_one(connection: socket.socket, seconds: float) -> None:
    request, data = messages.receive(connection, sys.maxsize)
    connection.sendall(messages.RECEIVED)
    _limit_processor_time(seconds)
    views, limits = tuple(View(**view) for view in request["views"]), Limits(**request["limits"])
    try:
        rendering = render(data, views, limits)
    except ImageProblem as problem:
        messages.send(connection, {"problem": type(problem).__name__, "message": str(problem)})
    else:
        messages.send(connection, _header(rendering), *(image.tobytes() for image in rendering.images))


def _header(rendering: Rendering) -> dict[str, Any]:
    shapes = [(image.height, image.width, len(image.getbands())) for image in rendering.images]
    return {"width": rendering.width, "height": rendering.height, "format": rendering.format, "shapes": shapes}


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
