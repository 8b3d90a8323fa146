import os
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.memory import peak_memory
from benchmarks.problems import BenchError
from benchmarks.processes import measured, started, wait_until
from support.processes import lives

SLEEPER = [sys.executable, "-c", "import time; print('up', flush=True); time.sleep(600)"]


def test_a_process_ends_with_its_block(tmp_path: Path) -> None:
    """Whatever a block raises, the process that it started is gone after it, with its whole group."""
    groups: list[int] = []
    with pytest.raises(KeyboardInterrupt):
        _interrupted(tmp_path, groups)
    assert groups
    assert not any(map(lives, groups))


def _interrupted(folder: Path, groups: list[int]) -> None:
    with started(SLEEPER, folder) as running:
        groups.append(running.process.pid)
        wait_until(lambda: "up" in running.output, 20, running, "the sleeper")
        raise KeyboardInterrupt


def test_a_process_that_ends_early_is_told_with_its_last_words(tmp_path: Path) -> None:
    """Waiting for a process that died says so at once, and what it said last."""
    command = [sys.executable, "-c", "raise SystemExit('no such weights')"]
    with started(command, tmp_path) as running, pytest.raises(BenchError, match=r"exit code 1\.\nno such weights"):
        wait_until(lambda: False, 20, running, "It did not come up")


def test_waiting_has_an_end(tmp_path: Path) -> None:
    """A process that never does what is waited for is given up."""
    with (
        started(SLEEPER, tmp_path) as running,
        pytest.raises(BenchError, match=r"It did not come up: not within 0\.1 s"),
    ):
        wait_until(lambda: False, 0.1, running, "It did not come up")


def test_a_part_that_fails_is_an_error(tmp_path: Path) -> None:
    """A part with a network that nobody knows fails with its traceback's last line."""
    with pytest.raises(BenchError, match=r"benchmarks\.engine ended with exit code 1:(.|\n)*KeyError: 'none'"):
        measured("benchmarks.engine", {"model": "none"}, tmp_path)


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="only Linux tells a process's peak")
def test_peak_memory_is_told() -> None:
    """The peak of a running process is at least what an interpreter needs; it has no decode process here."""
    with subprocess.Popen([sys.executable, "-c", "print(flush=True); input()"], stdin=-1, stdout=-1) as process:
        assert process.stdout
        process.stdout.readline()  # it has begun
        peak = peak_memory(process.pid)
        process.communicate(b"\n")
    assert peak["api_mib"] > 2
    assert (peak["decode_processes"], peak["decode_mib"]) == (0, None)


def test_peak_memory_is_unknown_without_proc(tmp_path: Path) -> None:
    """Where the system does not tell it, the peak is null, and never a guess."""
    assert peak_memory(os.getpid(), tmp_path)["api_mib"] is None


def test_the_command_line_stays_light() -> None:
    """Importing the command line loads neither what makes the load nor what is compared with."""
    heavy = ("locust", "gevent", "litserve", "psutil")
    code = f"import sys, bestguess.cli.main; print([name for name in {heavy} if name in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
