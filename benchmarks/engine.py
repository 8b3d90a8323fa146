"""The bare engine: images a second of the network alone, at each batch size. A process of its own."""

from __future__ import annotations

import json
import statistics
import sys
import time
from itertools import cycle, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from app.inference.runner import Runner
from vision.networks import NETWORKS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

BATCHES = (1, 2, 4, 8, 16, 32)
LEAST_RUNS = 3


def main() -> None:
    """Read what is asked for, measure, print."""
    asked = json.loads(sys.argv[1])
    network = NETWORKS[asked["model"]]
    weights = Path(asked["weights"]) if asked["weights"] else None
    runner = Runner(network, weights, asked["precision"], made_up=weights is None, sizes=BATCHES)
    pixels = list(islice(cycle(_pixels(Path(asked["photos"]), network.input_size)), BATCHES[-1]))
    rows = [_row(runner, pixels[:batch], asked["seconds"]) for batch in BATCHES]
    told = {"device": runner.hardware.device, "precision": runner.hardware.precision, "rows": rows}
    print(json.dumps(told))  # noqa: T201 - what it is for


def _row(runner: Runner, batch: Sequence[NDArray[np.uint8]], seconds: float) -> dict[str, Any]:
    """Run a batch over and over for so many seconds, after one run that does not count."""
    runner(batch)
    times: list[float] = []
    while len(times) < LEAST_RUNS or sum(times) < seconds:
        began = time.perf_counter()
        runner(batch)
        times.append(time.perf_counter() - began)
    median = statistics.median(times)
    return {
        "batch": len(batch),
        "runs": len(times),
        "ms": 1000 * median,
        "images_per_second": len(batch) / median,
        "best_images_per_second": len(batch) / min(times),
    }


def _pixels(folder: Path, side: int) -> list[NDArray[np.uint8]]:
    return [np.asarray(Image.open(path).convert("RGB").resize((side, side))) for path in sorted(folder.iterdir())]


if __name__ == "__main__":
    main()
