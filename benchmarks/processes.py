"""Child processes of a benchmark: each in its own process group, which ends with the benchmark, however that ends."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import TYPE_CHECKING, Any

from bestguess.supervisor.children import LIFELINE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

ERROR_CHARACTERS = 2000  # of standard error, the end, in the message about a process that failed
POLL_SECONDS = 0.05


class BenchmarkError(Exception):
    """A measurement failed; the message says which one and how."""

    exit_code = 1


class UsageError(BenchmarkError):
    """A wrong option, or a missing package: nothing was measured. The message is one line."""

    exit_code = 2


class Child:
    """A running process, and the files that hold its output."""

    def __init__(self, process: subprocess.Popen[bytes], out: Path, err: Path) -> None:
        self.process, self._out, self._err = process, out, err

    @property
    def output(self) -> str:
        """What the process has written to standard output so far."""
        return self._out.read_text(errors="replace")

    def failure(self, what: str) -> BenchmarkError:
        """Return an error that says what went wrong, with the end of standard error."""
        return BenchmarkError(f"{what}\n{self._err.read_text(errors='replace')[-ERROR_CHARACTERS:].strip()}".strip())


@contextmanager
def child_process(
    arguments: list[str], environment: Mapping[str, str] | None = None, grace_seconds: float = 0
) -> Iterator[Child]:
    """Run a command until the end of the block.

    The process then has `grace_seconds` to end after SIGTERM, and its whole group is killed. The group is also killed
    when this process dies: see `bestguess.supervisor.children`.
    """
    with NamedTemporaryFile() as out, NamedTemporaryFile() as err:
        theirs, ours = os.pipe()
        try:
            process = subprocess.Popen(
                ["/bin/sh", "-c", LIFELINE, "lifeline", *arguments],
                stdin=theirs,
                stdout=out,
                stderr=err,
                env=environment,
                start_new_session=True,
            )
            try:
                yield Child(process, Path(out.name), Path(err.name))
            finally:
                _stop(process, grace_seconds)
        finally:
            os.close(theirs)
            os.close(ours)


def run_module(module: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Run a module that calls `print_result` in a process of its own, and return what it measured.

    Raises:
        BenchmarkError: the module failed.
    """
    command = [sys.executable, "-m", module, json.dumps(parameters)]
    with child_process(command, os.environ | {"TF_CPP_MIN_LOG_LEVEL": "2"}) as child:
        if code := child.process.wait():
            raise child.failure(f"{module} ended with exit code {code}:")
        result: dict[str, Any] = json.loads(child.output)
        return result


def print_result(measure: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    """Measure with the parameters in the first argument, and print the result; both are JSON."""
    print(json.dumps(measure(json.loads(sys.argv[1]))))


def wait_until(condition: Callable[[], Any], seconds: float, child: Child, what: str) -> None:
    """Poll until the condition is true.

    Raises:
        BenchmarkError: the process ended, or the time is over.
    """
    end = time.monotonic() + seconds
    while not condition():
        if child.process.poll() is not None:
            raise child.failure(f"{what}: it ended with exit code {child.process.returncode}.")
        if time.monotonic() > end:
            raise child.failure(f"{what}: not within {seconds:g} s.")
        time.sleep(POLL_SECONDS)


def _stop(process: subprocess.Popen[bytes], grace_seconds: float) -> None:
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
