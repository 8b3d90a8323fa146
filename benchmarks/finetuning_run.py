"""Fine-tuning: plain Keras and a job, on the same photographs, one after the other: `benchmarks.finetuning`."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

from rich.table import Table

from benchmarks.problems import BenchError

if TYPE_CHECKING:
    from benchmarks.asked import Finetuning

_NAMES = {"plain": "Keras: layer.trainable = False, model.fit", "bestguess": "Best Guess"}
_GIBIBYTE = 1024**3


def measure_finetuning(asked: Finetuning) -> dict[str, Any]:
    """Let the training half measure, in a process of its own: this half never imports it.

    Raises:
        BenchError: it failed, with its own words.
    """
    options = [f"--{name}={value}" for name, value in asked._asdict().items() if value is not None]
    command = [sys.executable, "-m", "benchmarks.finetuning", "--json", *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise BenchError(done.stderr)
    measured: dict[str, Any] = json.loads(done.stdout)
    return measured


def finetuning_table(measured: dict[str, Any]) -> Table:
    """Show both, a row each."""
    params, data = measured["params"], measured["data"]
    images = data["train"] + data["validation"]
    title = f"{images} photographs, {params['epochs']} epochs, {params['base']}, {params['freeze']} layers frozen"
    table = Table(title=f"{title}, {measured['device'].upper()}")
    table.add_column("fine-tuning")
    for column in ("frozen part", "seconds", "of processors", "validation accuracy"):
        table.add_column(column, justify="right")
    for key, name in _NAMES.items():
        row = measured[key]
        seconds = (f"{row[key]:.1f}" for key in ("seconds", "processor_seconds"))
        table.add_row(name, row["precision"], *seconds, f"{row['validation_accuracy']:.2%}")
    return table


def finetuning_data(measured: dict[str, Any]) -> str:
    """Say how much faster ours is, how much memory it took, and which weights both began with."""
    kind = {"imagenet": "the official weights", "custom": "weights of your own"}.get(
        measured["weights"], "random weights, set to them"
    )
    data = "Drawn textures" if measured["data"]["name"] == "textures" else "Crops of photographs, a class each"
    memory = measured["bestguess"]["peak_memory_bytes"] / _GIBIBYTE
    return f"{measured['ratio']:.2f} times as fast, in {memory:.1f} GiB of memory. {data}; {kind}."
