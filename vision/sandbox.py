"""The decode processes: each takes one picture at a time, within limits, and dies without hurting another.

Pebble, billiard and concurrent.futures were looked at first: in each, processes share their queues, so that a process
killed from outside breaks the pool (pebble: for good when it was idle) or its neighbours' tasks. Here each process has
a socket of its own, and there is nothing to share.
"""

from __future__ import annotations

import json
import queue
import signal
import socket
import struct
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING, Any

import numpy as np

from vision.decoder import RECEIVED
from vision.images import Limits, Picture, View
from vision.problems import PROBLEMS, TooCostly

if TYPE_CHECKING:
    from concurrent.futures import Future

HAND_OVER_SECONDS = 10  # in which a process starts, which takes a third of a second, and takes its task
LARGEST_ANSWER = 64 * 1024 * 1024  # bytes; a process that was taken over cannot fill our memory


@dataclass(frozen=True, slots=True)
class Cost:
    """What one picture may take: seconds, by the clock and of processor time, and bytes of memory."""

    seconds: float
    memory_bytes: int


class Sandbox:
    """A fixed number of decode processes, started at once and replaced when they die."""

    def __init__(self, processes: int, cost: Cost, limits: Limits) -> None:
        self._limits = limits
        self._decoders = [Decoder(cost) for _ in range(processes)]
        self._threads = ThreadPoolExecutor(processes, thread_name_prefix="decode")
        self._idle: queue.SimpleQueue[Decoder] = queue.SimpleQueue()
        for decoder in self._decoders:
            self._idle.put(decoder)

    def decode(self, data: bytes, views: tuple[View, ...]) -> Future[Picture]:
        """Decode a file; cancelling the future before its turn drops it.

        The future's result is `vision.images.Picture`; its error an `ImageProblem`.
        """
        request = {"limits": asdict(self._limits), "views": [asdict(view) for view in views]}
        return self._threads.submit(self._decode, json.dumps(request).encode(), data)

    def close(self) -> None:
        """Drop what waits, and end the processes, whatever they do."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        for decoder in self._decoders:
            decoder.close()

    def _decode(self, request: bytes, data: bytes) -> Picture:
        decoder = self._idle.get()
        try:
            return _picture(*decoder.run(request, data))
        finally:
            self._idle.put(decoder)


class Decoder:
    """One process (`python -m vision.decoder`) and our end of its socket. It ends when our end is closed."""

    def __init__(self, cost: Cost) -> None:
        self._cost = cost
        self._closed = False
        self._start()

    def run(self, request: bytes, data: bytes) -> tuple[dict[str, Any], bytes]:
        """Have one file decoded.

        Raises:
            TooCostly: the limits ended it, or it crashed; a new process stands in its place.
        """
        self._hand_over(request, data)
        try:
            if not self._connection.poll(self._cost.seconds):
                raise self._replaced(f"Decoding took longer than {self._cost.seconds:g} s.")
            header = json.loads(self._connection.recv_bytes(LARGEST_ANSWER))
            return header, self._connection.recv_bytes(LARGEST_ANSWER)
        except (EOFError, OSError):
            raise self._replaced(_cause(self._process)) from None

    def close(self) -> None:
        """End the process for good; whoever waits for it gets TooCostly. Another thread may be waiting."""
        self._closed = True
        self._process.kill()
        self._process.wait()

    def _start(self) -> None:
        ours, theirs = socket.socketpair()
        with theirs:
            arguments = [str(theirs.fileno()), str(self._cost.seconds), str(self._cost.memory_bytes)]
            self._process = subprocess.Popen(
                [sys.executable, "-m", "vision.decoder", *arguments],
                stdin=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
            )
        # A process that takes nothing is as bad as one that says nothing.
        ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("ll", HAND_OVER_SECONDS, 0))
        self._connection = Connection(ours.detach())

    def _hand_over(self, request: bytes, data: bytes) -> None:
        """Give the process its task, and a second time to a new one where the first had died while it was idle."""
        for last in (False, True):
            try:
                self._connection.send_bytes(request)
                self._connection.send_bytes(data)
                if not self._connection.poll(HAND_OVER_SECONDS):
                    raise TimeoutError
                self._connection.recv_bytes(len(RECEIVED))
            except (EOFError, OSError):
                error = self._replaced("The decode process ends as soon as it starts.")
                if last:
                    raise error from None
            else:
                return

    def _replaced(self, reason: str) -> TooCostly:
        self._process.kill()
        self._process.wait()
        self._connection.close()
        if not self._closed:
            self._start()
        return TooCostly(f"{reason} Save the image anew, smaller or simpler, and send that.")


def _cause(process: subprocess.Popen[bytes]) -> str:
    code = process.wait()
    name = signal.Signals(-code).name if code < 0 else str(code)
    if name == signal.SIGXCPU.name:
        return "Decoding took too much processor time."
    return f"Decoding this image ended its process ({name})."


def _picture(header: dict[str, Any], pixels: bytes) -> Picture:
    if "problem" in header:
        raise PROBLEMS[header["problem"]](header["message"])
    views, at = [], 0
    for shape in header["views"]:
        view = np.frombuffer(pixels, np.uint8, int(np.prod(shape)), at).reshape(shape)
        views.append(view)
        at += view.size
    return Picture(header["width"], header["height"], header["format"], tuple(views))
