"""The decode processes: each takes one picture at a time, within limits, and dies without hurting another.

Pebble, billiard and concurrent.futures were looked at first: in each, processes share their queues, so that a process
killed from outside breaks the pool (pebble: for good when it was idle) or its neighbours' tasks. Here each process has
a socket of its own, and there is nothing to share.
"""

from __future__ import annotations

import math
import os
import queue
import select
import signal
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from vision.decode.decoder import OUT_OF_MEMORY, RECEIVED, limit_waits, receive, send
from vision.decode.images import FORMATS, Limits, Picture, View
from vision.errors import PROBLEMS, DecodersUnavailable, TooCostly, TooManyPixels

if TYPE_CHECKING:
    from concurrent.futures import Future

HAND_OVER_SECONDS = 10  # in which a process starts, which takes a tenth of a second, and takes its task
ATTEMPTS = 2  # at one picture, each in a process of its own, as one that dies may have been killed from outside
STARVED = 0.01  # of the time waited: a process that gets less processor time than this hangs, or the machine does
FROM_OUTSIDE = {signal.SIGKILL, signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGQUIT}  # no picture causes them
LARGEST_ANSWER = 64 * 1024 * 1024  # bytes; a process that was taken over cannot fill our memory
NONSENSE = (ValueError, TypeError, LookupError, ArithmeticError, RecursionError)  # what reading it makes of its words


@dataclass(frozen=True, slots=True)
class Cost:
    """What one picture may take: seconds of processor time, and bytes of memory."""

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

        The future's result is `vision.decode.images.Picture`; its error an `ImageProblem`, or `DecodersUnavailable`.
        """
        request = {"limits": asdict(self._limits), "views": [asdict(view) for view in views]}
        return self._threads.submit(self._decode, request, data)

    def close(self) -> None:
        """Drop what waits, and end the processes, whatever they do."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        for decoder in self._decoders:
            decoder.end()
        self._threads.shutdown()  # at once, for whom they waited has ended
        for decoder in self._decoders:
            decoder.close()

    def _decode(self, request: dict[str, Any], data: bytes) -> Picture:
        decoder = self._idle.get()
        try:
            return decoder.run(request, data)
        finally:
            self._idle.put(decoder)


class Decoder:
    """One process (`python -m vision.decode.decoder`) and our end of its socket. It ends when our end is closed."""

    program = ("-m", "vision.decode.decoder")

    def __init__(self, cost: Cost) -> None:
        self._cost = cost
        self._closed = False
        self._start()

    def run(self, request: dict[str, Any], data: bytes) -> Picture:
        """Decode one file, and once more in a new process if the first one dies.

        Raises:
            TooCostly: the limits ended it, it crashed each process, or the process answered with nonsense.
            ImageProblem: what the process says of the file.
            DecodersUnavailable: no process could start, or one starved or was killed from outside.
        """
        deaths = []
        for _ in range(ATTEMPTS):
            try:
                self._hand_over(request, data)
                return _picture(*self._answer(), request["views"])
            except _Died as death:
                deaths.append(death)
            except NONSENSE:
                self._replace()
                raise _too_costly("Decoding this image made its process answer with nonsense.") from None
        if all(death.by_picture for death in deaths):
            raise _too_costly(str(deaths[-1]))
        raise DecodersUnavailable("; ".join(map(str, deaths)))

    def _answer(self) -> tuple[dict[str, Any], bytes]:
        """Wait for the answer. Only processor time counts: a busy machine is not the picture's fault.

        Raises:
            TooCostly, TooManyPixels: the picture used up a limit.
            _Died: the process got no processor time, or ended or stopped before it had answered.
            ValueError, RecursionError: the answer is no message.
        """
        answering = select.poll()
        answering.register(self._connection, select.POLLIN)
        patience = self._cost.seconds
        try:
            start = used = time.clock_gettime(self._clock)
            while not answering.poll(patience * 1000):
                before, used = used, time.clock_gettime(self._clock)
                if used - start >= self._cost.seconds:
                    self._replace()
                    raise _too_costly(f"Decoding took longer than {self._cost.seconds:g} s.")
                if used - before < STARVED * patience:
                    self._replace()
                    raise _Died(f"the decode process got no processor time for {patience:g} s", by_picture=False)
                patience = max(self._cost.seconds - (used - start), self._cost.seconds / 2)
            return receive(self._connection, LARGEST_ANSWER)
        except BlockingIOError:
            self._replace()
            raise _Died("the decode process stopped in the middle of its answer", by_picture=False) from None
        except (EOFError, OSError):
            raise _death(self._replace(ending=True)) from None

    def end(self) -> None:
        """End the process for good; a thread that waits for it gets DecodersUnavailable."""
        self._closed = True
        self._process.kill()
        self._process.wait()

    def close(self) -> None:
        """Give everything back, once no thread waits any more."""
        self.end()
        self._connection.close()

    def _start(self) -> None:
        self._connection, theirs = socket.socketpair()
        with theirs:
            arguments = [str(theirs.fileno()), str(self._cost.seconds), str(self._cost.memory_bytes)]
            self._process = subprocess.Popen(
                [sys.executable, *self.program, *arguments],
                stdin=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
                env=os.environ | {"OPENBLAS_NUM_THREADS": "1"},  # for digits; there is a process for each core
            )
        # A process that takes nothing is as bad as one that says nothing.
        limit_waits(self._connection, HAND_OVER_SECONDS)
        self._clock = (~self._process.pid << 3) | 2  # of its processor time, as Linux's clock_getcpuclockid(3) gives it
        try:
            time.clock_gettime(self._clock)
        except OSError:
            self._clock = time.CLOCK_MONOTONIC  # where a system does not tell

    def _hand_over(self, request: dict[str, Any], data: bytes) -> None:
        """Give the process its task, and a second time to a new one where the first had died while it was idle.

        Raises:
            TooManyPixels: the file alone fills the process's memory.
            DecodersUnavailable: no process takes it.
        """
        for _ in range(2):
            try:
                send(self._connection, request, data)
                taken = self._connection.recv(len(RECEIVED))
            except BlockingIOError:
                self._replace()
                continue
            except OSError:
                taken = b""
            if taken:
                return
            ended_before = self._process.returncode is not None  # and no new one could be started
            if self._replace(ending=True) == OUT_OF_MEMORY and not ended_before:
                raise _too_large()
        raise DecodersUnavailable("the decode process ends as soon as it starts, or cannot be started")

    def _replace(self, *, ending: bool = False) -> int:
        """Put a new process in this one's place, and return the code that this one ended with.

        A process that is `ending` by itself is not killed before its own code is known. Where no new one can be
        started, the next picture tries again.
        """
        code = None
        if ending:
            with suppress(subprocess.TimeoutExpired):
                code = self._process.wait(HAND_OVER_SECONDS)
        self._process.kill()
        killed = self._process.wait()
        self._connection.close()
        if not self._closed:
            with suppress(OSError):
                self._start()
        # One that closed its socket and stayed has been taken over by its picture.
        return (0 if ending else killed) if code is None else code


class _Died(Exception):
    """A decode process ended, or had to be ended, before it answered."""

    def __init__(self, reason: str, *, by_picture: bool) -> None:
        super().__init__(reason)
        self.by_picture = by_picture


def _death(code: int) -> Exception:
    """Return why a process has ended by itself: the picture used up a limit or crashed it, or somebody killed it."""
    if code == OUT_OF_MEMORY:
        return _too_large()
    if code == -signal.SIGXCPU:
        return _too_costly("Decoding took too much processor time.")
    name = signal.Signals(-code).name if code < 0 else str(code)
    return _Died(f"Decoding this image ended its process ({name}).", by_picture=-code not in FROM_OUTSIDE)


def _too_costly(reason: str) -> TooCostly:
    return TooCostly(f"{reason} Save the image anew, smaller or simpler, and send that.")


def _too_large() -> TooManyPixels:
    return TooManyPixels("The image needs more memory than this service gives to one. Send a smaller one.")


def _picture(header: dict[str, Any], pixels: bytes, wanted: list[dict[str, Any]]) -> Picture:
    """Read an answer; what a process that was taken over may send is not believed.

    Raises:
        ImageProblem: that is the answer.
        ValueError, TypeError, LookupError, ArithmeticError: it is none.
    """
    if "problem" in header:
        raise PROBLEMS[header["problem"]](str(header["message"]))
    width, height, kind = header["width"], header["height"], header["format"]
    if type(width) is not int or type(height) is not int or min(width, height) < 1 or kind not in FORMATS.values():
        raise ValueError(f"a {kind} of {width} x {height}")
    views, at = [], 0
    for shape, view in zip(header["shapes"], wanted, strict=True):
        size, fit = view["size"], view["fit"]
        sides, channels = range(1 if fit == "inside" else size, size + 1), 1 if fit == "digit" else 3
        if [type(length) for length in shape] != [int] * 3:
            raise TypeError(f"a view of {shape}")
        if shape[2] != channels or not all(length in sides for length in shape[:2]):
            raise ValueError(f"a view of {shape} where {fit} {size} was asked for")
        count = math.prod(shape)
        views.append(np.frombuffer(pixels, np.uint8, count, at).reshape(shape))
        at += count
    return Picture(width, height, kind, tuple(views))
