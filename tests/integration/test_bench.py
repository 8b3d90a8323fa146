import json
from pathlib import Path

import numpy as np
import pytest
import typer
from typer.testing import CliRunner, Result

from app.bench import bench
from worker.mnist.synthetic import synthetic_digits


def _run(*arguments: str) -> Result:
    app = typer.Typer()
    app.command()(bench)
    return CliRunner().invoke(app, arguments)


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


def test_data_that_cannot_be_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A wrong BESTGUESS_MNIST is said so, without a traceback."""
    monkeypatch.setenv("BESTGUESS_MNIST", str(tmp_path / "absent.npz"))
    result = _run("--training")
    assert result.exit_code == 1
    assert "absent.npz: not there" in result.output
    assert "Traceback" not in result.output


def test_nothing_to_measure() -> None:
    """Without saying what to measure, the command says what can be."""
    result = _run()
    assert result.exit_code == 2
    assert "--training" in result.output
