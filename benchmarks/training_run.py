"""Training: plain Keras and a job, on the same digits, one after the other; `benchmarks.training` measures."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

from rich.table import Table

from benchmarks.problems import BenchError

_NAMES = {"plain": "Keras: model.fit, tf.data, float32", "bestguess": "Best Guess"}


def measure_training(steps: int) -> dict[str, Any]:
    """Let the training half measure, in a process of its own: this half never imports it.

    Raises:
        BenchError: it failed, with its own words.
    """
    command = [sys.executable, "-m", "benchmarks.training", "--json", f"--steps={steps}"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise BenchError(done.stderr)
    measured: dict[str, Any] = json.loads(done.stdout)
    return measured


def training_table(measured: dict[str, Any]) -> Table:
    """Show both, a row each."""
    params = measured["params"]
    table = Table(title=f"{params['steps']:,} steps of {params['batch_size']} images, {measured['device'].upper()}")
    table.add_column("training")
    for column in ("seconds", "images/s", "test accuracy"):
        table.add_column(column, justify="right")
    for key, name in _NAMES.items():
        row = measured[key]
        numbers = f"{row['seconds']:.1f}", f"{row['images_per_second']:,.0f}", f"{row['test_accuracy']:.2%}"
        table.add_row(name if key == "plain" else f"{name}: {measured['precision']}", *numbers)
    return table


def training_data(measured: dict[str, Any]) -> str:
    """Say how much faster ours is, and what both learned from."""
    data = measured["data"]
    kind = "the official images" if data["official"] else "not MNIST's own images"
    return f"{measured['ratio']:.2f} times as fast. Data: {data['name']}, {kind}."
