"""Decode benchmark: JPEG to pixels in the decode processes of the service, without network and HTTP."""

from __future__ import annotations

import contextlib
import statistics
import time
from collections import deque
from itertools import cycle
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.main import make_sandbox
from app.settings import load_settings
from benchmarks.processes import print_result
from vision.decode.images import View
from vision.networks.registry import NETWORKS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from concurrent.futures import Future

PENDING_PER_PROCESS = 4  # photos, so that no process is ever idle


def measure(parameters: dict[str, Any]) -> dict[str, Any]:
    """Decode photos one after the other, then as many at once as keep every process busy; half the time for each."""
    photos = [path.read_bytes() for path in sorted(Path(parameters["photos"]).iterdir())]
    network = NETWORKS[parameters["model"]]
    wanted = (View(network.input_size, "crop", network.resize, network.interpolation),)
    processes, seconds = parameters["processes"], parameters["seconds"] / 2
    with contextlib.closing(make_sandbox(load_settings())) as sandbox:
        decodes = (sandbox.decode(photo, wanted) for photo in cycle(photos))
        _throughput(decodes, processes * PENDING_PER_PROCESS, seconds=0)  # warm-up: every process imports its modules
        return {
            "processes": processes,
            "ms": 1000 * statistics.median(_latencies(decodes, seconds)),
            "photos_per_second": _throughput(decodes, processes * PENDING_PER_PROCESS, seconds),
        }


def _latencies(decodes: Iterator[Future[Any]], seconds: float) -> list[float]:
    times: list[float] = []
    while not times or sum(times) < seconds:
        started = time.perf_counter()
        next(decodes).result()
        times.append(time.perf_counter() - started)
    return times


def _throughput(decodes: Iterator[Future[Any]], pending: int, seconds: float) -> float:
    """Keep `pending` photos in flight; return photos per second."""
    waiting = deque(next(decodes) for _ in range(pending))
    started, done = time.perf_counter(), 0
    while (elapsed := time.perf_counter() - started) < seconds:
        waiting.popleft().result()
        waiting.append(next(decodes))
        done += 1
    for last in waiting:
        last.result()
    return done / elapsed if done else 0.0


if __name__ == "__main__":
    print_result(measure)
