"""Engine benchmark: images per second of the network alone, at each batch size; and the weights to measure with."""

from __future__ import annotations

import statistics
import time
from itertools import cycle, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from benchmarks.processes import print_result
from vision.engines.tensorflow import TensorFlowEngine
from vision.networks.registry import NETWORKS
from vision.networks.weights import FoundWeights, find

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from app.settings import Settings
    from vision.networks.registry import Network

BATCH_SIZES = (1, 2, 4, 8, 16, 32)
MIN_RUNS = 3
RANDOM_WEIGHTS = FoundWeights(None, "random", None, verified=False, size=None)


def weights_for(network: Network, settings: Settings) -> FoundWeights:
    """Return the weights that the service would use, or random ones, which cost the same arithmetic; download nothing.

    Raises:
        WeightsError: the weights file cannot be used.
    """
    if network.carried:
        return network.carried()
    return (network.weights and find(network.weights, settings.weights, settings.data_dir)) or RANDOM_WEIGHTS


def weights_path(weights: FoundWeights) -> str | None:
    """Return the path of the weights for another process; None where they are random or part of a package."""
    return str(weights.path.absolute()) if weights.path else None


def describe_weights(weights: FoundWeights) -> str:
    """Describe the weights in words."""
    words = {"imagenet": "its official ImageNet weights", "custom": "weights of your own"}
    return words.get(weights.origin, "random weights (the arithmetic is the same; its guesses mean nothing)")


def load_engine(network: Network, weights: str | None, precision: str, sizes: Sequence[int]) -> TensorFlowEngine:
    """Load a network with the weights that `weights_path` names."""
    return TensorFlowEngine(network, Path(weights) if weights else None, precision, sizes=sizes)


def measure(parameters: dict[str, Any]) -> dict[str, Any]:
    """Measure each batch size."""
    network = NETWORKS[parameters["model"]]
    engine = load_engine(network, parameters["weights"], parameters["precision"], BATCH_SIZES)
    pixels = list(islice(cycle(_pixels(Path(parameters["photos"]), network.input_size)), BATCH_SIZES[-1]))
    rows = [_row(engine, pixels[:size], parameters["seconds"]) for size in BATCH_SIZES]
    return {"device": engine.hardware.device, "precision": engine.hardware.precision, "rows": rows}


def _row(engine: TensorFlowEngine, batch: Sequence[NDArray[np.uint8]], seconds: float) -> dict[str, Any]:
    """Run one batch repeatedly for `seconds`, after a warm-up run."""
    engine.run(batch)
    times: list[float] = []
    while len(times) < MIN_RUNS or sum(times) < seconds:
        started = time.perf_counter()
        engine.run(batch)
        times.append(time.perf_counter() - started)
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
    print_result(measure)
