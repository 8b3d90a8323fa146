"""Count of our calls for one `POST /classify`: `PYTHONPATH=tests python -m benchmarks.count_calls [--list]`.

The service is the real one, with EfficientNet-Lite0 and an API key, in one process and its decode process. A photo is
sent as a form once to warm up, then three times; the answer with the fewest calls counts, so that what a background
thread does meanwhile is left out. A call is the start of a function, a coroutine or a generator of ours; a coroutine
that resumes after an `await` is not counted again. Left out is `Server.on_tick`: uvicorn's timer calls it ten times a
second, whether there is a photo or not. The body may take more or fewer reads, and with them the number of calls varies
by about ten; those of functions and files do not.
"""

from __future__ import annotations

import contextlib
import dis
import os
import runpy
import sys
import tempfile
import threading
import time
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import CodeType, FrameType

ROOT = Path(__file__).resolve().parents[1]
OURS = tuple(str(ROOT / package) + os.sep for package in ("app", "bestguess", "jobs", "vision", "worker"))
COMPREHENSIONS = {"<listcomp>", "<dictcomp>", "<setcomp>", "<genexpr>"}
TRIES = 3
DECODER = "--decoder"  # the argument of the decode process, which the sandbox starts with this program
TIMER = "Server.on_tick"
JSON = "present_classification"
Call = tuple[float, str, str]  # when, in which file, which function


@cache
def first_resume(code: CodeType) -> int:
    """Return where the body of a function, coroutine or generator begins."""
    return next(step.offset for step in dis.get_instructions(code) if step.opname == "RESUME")


def is_ours(code: CodeType) -> bool:
    """Return whether it is a function of ours, but for the timer's; a comprehension is a part of one."""
    return code.co_filename.startswith(OURS) and code.co_name not in COMPREHENSIONS and code.co_qualname != TIMER


def trace(note: Callable[[CodeType], object]) -> None:
    """Have each start of a function of ours noted, in this thread and in those that are started from now on."""

    def on_start(code: CodeType, _offset: int) -> object:
        if is_ours(code):
            note(code)
            return None
        return sys.monitoring.DISABLE  # type: ignore[attr-defined,unused-ignore]

    def on_event(frame: FrameType, event: str, _argument: object) -> None:
        code = frame.f_code
        if event == "call" and is_ours(code) and frame.f_lasti == first_resume(code):  # else a coroutine goes on
            note(code)

    if sys.version_info >= (3, 12):
        monitoring = sys.monitoring
        monitoring.use_tool_id(monitoring.PROFILER_ID, "count_calls")
        monitoring.register_callback(monitoring.PROFILER_ID, monitoring.events.PY_START, on_start)
        monitoring.set_events(monitoring.PROFILER_ID, monitoring.events.PY_START)
    else:
        threading.setprofile(on_event)
        sys.setprofile(on_event)


def written(code: CodeType) -> str:
    """Write a call as a line."""
    return f"{time.monotonic()} {Path(code.co_filename).relative_to(ROOT)} {code.co_qualname}\n"


def read(lines: list[str], begin: float, end: float) -> list[Call]:
    """Read the calls of a span of time."""
    calls = [(float(when), file, name) for when, file, name in (line.rstrip().split(maxsplit=2) for line in lines)]
    return [call for call in calls if begin <= call[0] <= end]


def decoder(pipe: Path) -> None:
    """Be the decode process, and write its calls to a pipe: it may not write to files."""
    notes = os.open(pipe, os.O_WRONLY)
    trace(lambda code: os.write(notes, written(code).encode()))
    runpy.run_module("vision.decode.decoder", run_name="__main__", alter_sys=True)


def drained(pipe: int) -> list[str]:
    """Read what the decode processes have written."""
    text = b""
    with contextlib.suppress(BlockingIOError):
        while data := os.read(pipe, 1 << 16):
            text += data
    return text.decode().splitlines()


def measure() -> tuple[list[Call], list[Call]]:
    """Return the calls of one photo in the service's process and in the decode process."""
    from app.main import running  # noqa: PLC0415 - what is imported before `trace` is not the matter
    from support.api_keys import closed  # noqa: PLC0415
    from support.images import encoded, noise  # noqa: PLC0415
    from support.live_server import NO_MIRROR, ready, served  # noqa: PLC0415
    from vision.decode.sandbox import Decoder  # noqa: PLC0415

    lines: list[str] = []
    trace(lambda code: lines.append(written(code)))
    with tempfile.TemporaryDirectory() as folder:
        fifo = Path(folder) / "decoder"
        os.mkfifo(fifo)
        pipe = os.open(fifo, os.O_RDWR | os.O_NONBLOCK)
        Decoder.program = ("-m", "benchmarks.count_calls", DECODER, str(fifo))  # type: ignore[assignment] # longer
        settings, headers = closed(Path(folder), "ann-classify", mirror=NO_MIRROR)
        photo = {"file": ("photo.jpg", encoded(noise((640, 480)), "JPEG"), "image/jpeg")}
        tries = []
        with served(settings, running) as client:
            ready(client)
            for _ in range(1 + TRIES):
                drained(pipe)
                begin = time.monotonic()
                client.post("/classify", files=photo, headers=headers["ann"]).raise_for_status()
                time.sleep(0.2)  # the log's line is written after the answer
                end = time.monotonic()
                tries.append((read(lines, begin, end), read(drained(pipe), begin, end)))
    return min(tries[1:], key=lambda calls: len(calls[0]) + len(calls[1]))


def main() -> None:
    """Print the numbers, and with `--list` each call."""
    service, decode = measure()
    for title, calls in (("service", service), ("decode process", decode)):
        functions = {(file, name) for _, file, name in calls}
        files = {file for file, _ in functions}
        print(f"{title}: {len(calls)} calls of {len(functions)} functions in {len(files)} files")
        if "--list" in sys.argv:
            print(*(f"  {file} {name}" for _, file, name in calls), sep="\n")
    calls = sorted([*service, *decode])
    both = {(file, name) for _, file, name in calls}
    print(f"together: {len(calls)} calls of {len(both)} functions in {len({file for file, _ in both})} files")
    written_out = next(at for at, call in enumerate(calls) if call[2] == JSON)
    print(f"up to the JSON: {written_out + 1} calls; then it is sent, logged and counted")


if __name__ == "__main__":
    if DECODER in sys.argv[1:2]:
        place = Path(sys.argv[2])
        del sys.argv[1:3]
        decoder(place)
    else:
        main()
