import os
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.processes import BenchmarkError, child_process, run_module, wait_until
from benchmarks.service import peak_memory
from support import waiting
from support.processes import lives

SLEEPER = [sys.executable, "-c", "import time; print('up', flush=True); time.sleep(600)"]


def test_a_process_ends_with_its_block() -> None:
    """Whatever a block raises, the process that it started is gone after it, with its whole group."""
    groups: list[int] = []
    with pytest.raises(KeyboardInterrupt):
        _interrupted(groups)
    assert groups
    waiting.wait_until(lambda: not any(map(lives, groups)), 20)  # killed, though not every member has run to its end


def _interrupted(groups: list[int]) -> None:
    with child_process(SLEEPER) as running:
        groups.append(running.process.pid)
        wait_until(lambda: "up" in running.output, 20, running, "the sleeper")
        raise KeyboardInterrupt


def test_a_process_that_ends_early_is_told_with_its_last_words() -> None:
    """Waiting for a process that died says so at once, and what it said last."""
    command = [sys.executable, "-c", "raise SystemExit('no such weights')"]
    with child_process(command) as running, pytest.raises(BenchmarkError, match=r"exit code 1\.\nno such weights"):
        wait_until(lambda: False, 20, running, "It did not come up")


def test_waiting_has_an_end() -> None:
    """A process that never does what is waited for is given up."""
    with (
        child_process(SLEEPER) as running,
        pytest.raises(BenchmarkError, match=r"It did not come up: not within 0\.1 s"),
    ):
        wait_until(lambda: False, 0.1, running, "It did not come up")


def test_a_part_that_fails_is_an_error() -> None:
    """A part with a network that nobody knows fails with its traceback's last line."""
    with pytest.raises(BenchmarkError, match=r"benchmarks\.engine ended with exit code 1:(.|\n)*KeyError: 'none'"):
        run_module("benchmarks.engine", {"model": "none"})


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


def test_importing_patches_nothing() -> None:
    """The command imports neither locust nor LitServe, which change other packages, nor TensorFlow, which is slow."""
    heavy = ("locust", "gevent", "litserve", "tensorflow")
    code = f"import sys, benchmarks.__main__; print([name for name in {heavy} if name in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
