"""Precision: networks in 16 bits beside float32, each in a process of its own, and the table of it."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.box import SIMPLE_HEAD
from rich.table import Table

from benchmarks import chosen
from benchmarks.machine import machine, versions
from benchmarks.photos import read
from benchmarks.processes import measured
from benchmarks.weights import described, weights_for

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from vision.networks import Network

SIXTEEN_BITS = ("bfloat16", "float16")


def measure_precisions(photos: Path | None, networks: Iterable[Network], say: Callable[[str], None]) -> dict[str, Any]:
    """Compare each network's scores in 16 bits with those in float32, on 200 pictures and the photographs.

    Raises:
        BenchError: a part failed; Refused before anything was measured.
    """
    settings, told = chosen.settings(), []
    if photos:
        read(photos)
    with tempfile.TemporaryDirectory(prefix="bestguess-bench-") as folder:
        for network in networks:
            say(f"{network.title} in float32, {' and '.join(SIXTEEN_BITS)}")
            weights = weights_for(network, settings)
            asked = {
                "model": network.id,
                "weights": str(weights.path.absolute()) if weights.path else None,
                "photos": str(photos.absolute()) if photos else None,
                "in": SIXTEEN_BITS,
            }
            told.append({**measured("benchmarks.precision", asked, Path(folder)), "weights": described(weights)})
    return {"kind": "precision", "machine": machine(), "versions": versions(), "networks": told}


def precision_table(told: dict[str, Any]) -> Table:
    """Show a row for each network and format."""
    images = max(network["images"] for network in told["networks"])
    table = Table(title=f"how far 16 bits are from float32: {images} images", box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for column in ("network", "format"):
        table.add_column(column, no_wrap=True)
    for column in ("most apart", "best apart", "same best", "same ten", "of the ten", "same order"):
        table.add_column(column, justify="right", min_width=6)
    for network in told["networks"]:
        for row in network["rows"]:
            table.add_row(
                network["model"],
                row["precision"],
                f"{row['largest_difference']:.4f}",
                f"{row['mean_difference_of_best']:.4f}",
                f"{row['same_best']:.1%}",
                f"{row['same_ten']:.1%}",
                f"{row['of_ten']:.2f}",
                f"{row['same_order']:.1%}",
            )
    return table


def precision_weights(told: dict[str, Any]) -> str:
    """Say which weights were measured with."""
    return "; ".join(f"{network['model']}: {network['weights']}" for network in told["networks"]) + "."
