"""`bestguess bench`: what this machine is worth, measured."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path  # noqa: TC003 - Typer reads the annotations
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

_USAGE = 2
_NAMES = {"plain": "Keras: model.fit, tf.data, float32", "bestguess": "Best Guess"}


def bench(
    *,
    training: Annotated[bool, typer.Option("--training", help="Train both with plain Keras and as jobs do.")] = False,
    steps: Annotated[int, typer.Option(min=1, max=10_000, help="Steps to train for, each time.")] = 1000,
    out: Annotated[Path | None, typer.Option(help="A file to write the numbers to, as JSON.")] = None,
) -> None:
    """Measure on this machine; training takes a minute or two. Let it have the machine alone."""
    if not training:
        typer.echo("Say what to measure: bestguess bench --training", err=True)
        raise typer.Exit(_USAGE)
    measured = _measure(steps)
    Console().print(_table(measured), _data(measured), sep="\n", soft_wrap=True, highlight=False)
    if out:
        out.write_text(json.dumps(measured, indent=2) + "\n")


def _measure(steps: int) -> dict[str, Any]:
    """Let the training half measure, in a process of its own: this half never imports it."""
    command = [sys.executable, "-m", "worker.mnist.bench", "--json", f"--steps={steps}"]
    with Console(stderr=True).status(f"Training twice for {steps:,} steps ..."):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        typer.echo(done.stderr, err=True)
        raise typer.Exit(1)
    measured: dict[str, Any] = json.loads(done.stdout)
    return measured


def _table(measured: dict[str, Any]) -> Table:
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


def _data(measured: dict[str, Any]) -> str:
    data = measured["data"]
    kind = "the official images" if data["official"] else "not MNIST's own images"
    return f"{measured['ratio']:.2f} times as fast. Data: {data['name']}, {kind}."
