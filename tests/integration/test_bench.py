"""`python -m benchmarks`, briefly: that every part is measured and fits together, never how fast anything is."""

import json
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import numpy as np
import psutil
import pytest
from typer.testing import CliRunner, Result

from benchmarks.__main__ import app
from benchmarks.service import UP
from support.waiting import COSTLY, wait_until
from worker.mnist.synthetic import synthetic_digits


def _run(*arguments: str) -> Result:
    return CliRunner().invoke(app, arguments)


def _ours() -> list[str]:
    """List the commands below this process that a benchmark starts."""
    return [" ".join(words(child)) for child in psutil.Process().children(recursive=True)]


def words(process: psutil.Process) -> list[str]:
    """Return a process's command; nothing where it has ended meanwhile."""
    with suppress(psutil.Error):
        return process.cmdline()
    return []


def test_serving(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One run measures every part, each ratio is what its parts say, and nothing is left running."""
    monkeypatch.setenv("BESTGUESS_QUEUE_SIZE", "8")
    monkeypatch.setenv("BESTGUESS_WORKER_NICENESS", "0")  # other tests run beside it
    out = tmp_path / "bench.json"
    short = ["--model", "efficientnet-lite0", "--seconds", "0.5", "--connections", "2,1", "--out", str(out)]
    result = _run(*short)
    assert result.exit_code == 0, result.output
    told = json.loads(out.read_text())
    service, engine = told["service"], told["engine"]
    assert [row["batch"] for row in engine["rows"]] == [1, 2, 4, 8, 16, 32]
    assert all(0 < row["images_per_second"] <= row["best_images_per_second"] for row in engine["rows"])
    assert told["decode"]["ms"] > 0
    assert [row["connections"] for row in service["loads"]] == [1, 2]
    for row in (*service["loads"], service["overload"], service["beside"]):
        assert row["images_per_second"] > 0
        assert row["errors"] == {}
        assert 0 < row["answered"]["p50_ms"] <= row["answered"]["p99_ms"]
        assert 0 < row["load"]["share_of_machine"] < 1
    assert service["model"]["id"] == "efficientnet-lite0"
    assert service["model"]["precision"] == engine["precision"]
    assert service["ready_seconds"] > 0
    assert service["beside"]["training_images_per_second"] > 0
    assert told["settings"]["photos"]["drawn"] == 20
    best = max(row["images_per_second"] for row in engine["rows"])
    assert told["ratios"]["throughput"] == pytest.approx(service["loads"][1]["images_per_second"] / best)
    assert told["ratios"]["litserve"] is None
    assert "drawn, photograph-like JPEGs" in result.output
    assert not [command for command in _ours() if "benchmarks" in command or " ".join(UP) in command]


def test_interrupted(tmp_path: Path) -> None:
    """After Ctrl-C every process of a benchmark is gone."""
    command = [sys.executable, "-m", "benchmarks", "--model", "efficientnet-lite0", "--seconds", "0.5"]
    with (tmp_path / "out").open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output)
    try:
        parts = _wait_for_parts(process.pid)
        process.send_signal(signal.SIGINT)
        assert process.wait(30) != 0
        gone, alive = psutil.wait_procs(parts, 5)
        assert gone
        assert not alive
    finally:
        process.kill()
        process.wait()


def _wait_for_parts(pid: int) -> list[psutil.Process]:
    def parts() -> list[psutil.Process]:
        return [child for child in psutil.Process(pid).children(recursive=True) if "benchmarks.engine" in words(child)]

    return wait_until(parts, 60, COSTLY)


def test_training(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both trainings are measured in one run, printed with what they learned from, and written as JSON."""
    digits = synthetic_digits(train=100, test=20)
    np.savez(tmp_path / "few.npz", **{name: getattr(digits, name) for name in digits.sha256})
    monkeypatch.setenv("BESTGUESS_MNIST", str(tmp_path / "few.npz"))
    result = _run("--training", "--steps", "5", "--out", str(tmp_path / "bench.json"))
    assert result.exit_code == 0
    assert "model.fit" in result.output
    assert "times as fast. Data: mnist, not MNIST's own images." in result.output
    measured = json.loads((tmp_path / "bench.json").read_text())
    assert measured["params"]["steps"] == 5
    assert measured["ratio"] == pytest.approx(measured["plain"]["seconds"] / measured["bestguess"]["seconds"])
    assert 0 <= measured["bestguess"]["test_accuracy"] <= 1


def test_finetuning(tmp_path: Path) -> None:
    """Both fine-tunings are measured in one run, from the same weights, and reach the same, as losses are the same."""
    sizes = ["--images", "15", "--epochs", "2", "--freeze", "49"]
    out = tmp_path / "bench.json"
    result = _run("--finetune", "--model", "efficientnet-lite0", *sizes, "--out", str(out))
    assert result.exit_code == 0, result.output
    assert "times as fast" in result.output
    assert "the official weights" in result.output
    measured = json.loads(out.read_text())
    assert (measured["data"]["train"], measured["data"]["validation"]) == (10, 5)
    assert measured["params"]["freeze"] == 49
    assert measured["ratio"] == pytest.approx(measured["plain"]["seconds"] / measured["bestguess"]["seconds"])
    assert measured["processor_ratio"] > 0
    assert measured["bestguess"]["cached"]
    assert measured["bestguess"]["validation_accuracy"] == measured["plain"]["validation_accuracy"]
    assert "has 50 weight layers" in _run("--finetune", "--model", "efficientnet-lite0", "--freeze", "51").output


def test_data_that_cannot_be_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A wrong BESTGUESS_MNIST is said so, without a traceback."""
    monkeypatch.setenv("BESTGUESS_MNIST", str(tmp_path / "absent.npz"))
    result = _run("--training")
    assert result.exit_code == 1
    assert "absent.npz: not there" in result.output
    assert "Traceback" not in result.output
