"""The processes that a benchmark starts: each in a group of its own that ends with us, however we end."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from app.up.children import LIFELINE
from benchmarks.problems import BenchError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

SAID = 2000  # characters of what a process said last, for whoever has to find out why it failed
POLL = 0.05  # seconds


class Started:
    """A running process, and the files that its output goes to."""

    def __init__(self, process: subprocess.Popen[bytes], out: Path, err: Path) -> None:
        self.process, self._out, self._err = process, out, err

    @property
    def output(self) -> str:
        """What it wrote to standard output so far."""
        return self._out.read_text(errors="replace")

    def failure(self, what: str) -> BenchError:
        """Make an error that says what went wrong, with its last words."""
        return BenchError(f"{what}\n{self._err.read_text(errors='replace')[-SAID:].strip()}".strip())


@contextmanager
def started(
    arguments: list[str], folder: Path, environment: Mapping[str, str] | None = None, grace_seconds: float = 0
) -> Iterator[Started]:
    """Run a command until the end of the block; `folder` takes its output.

    After the block it has `grace_seconds` to end by SIGTERM, then its whole group is killed. The group is also killed
    when this process dies: see `app.up.children`.
    """
    number = len(list(folder.glob("*.out")))
    out, err = folder / f"{number:02}.out", folder / f"{number:02}.err"
    theirs, ours = os.pipe()
    try:
        with out.open("wb") as to_out, err.open("wb") as to_err:
            process = subprocess.Popen(
                ["/bin/sh", "-c", LIFELINE, "lifeline", *arguments],
                stdin=theirs,
                stdout=to_out,
                stderr=to_err,
                env=environment,
                start_new_session=True,
            )
        try:
            yield Started(process, out, err)
        finally:
            _end(process, grace_seconds)
    finally:
        os.close(theirs)
        os.close(ours)


def measured(module: str, asked: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """Run one of our modules in a process of its own: it is given JSON, and prints JSON.

    Raises:
        BenchError: it failed.
    """
    command = [sys.executable, "-m", module, json.dumps(asked)]
    with started(command, folder, os.environ | {"TF_CPP_MIN_LOG_LEVEL": "2"}) as running:
        if code := running.process.wait():
            raise running.failure(f"{module} ended with exit code {code}:")
        answer: dict[str, Any] = json.loads(running.output)
        return answer


def wait_until(condition: Callable[[], Any], seconds: float, running: Started, what: str) -> None:
    """Ask until the answer is true.

    Raises:
        BenchError: the process ended, or so many seconds were not enough.
    """
    end = time.monotonic() + seconds
    while not condition():
        if running.process.poll() is not None:
            raise running.failure(f"{what}: it ended with exit code {running.process.returncode}.")
        if time.monotonic() > end:
            raise running.failure(f"{what}: not within {seconds:g} s.")
        time.sleep(POLL)


def _end(process: subprocess.Popen[bytes], grace_seconds: float) -> None:
    try:
        if grace_seconds:
            process.terminate()
            process.wait(grace_seconds)
    except subprocess.TimeoutExpired:
        pass
    finally:
        with suppress(ProcessLookupError, PermissionError):  # macOS answers EPERM for a group of zombies
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
