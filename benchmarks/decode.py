"""Decoding alone: bytes to pixels in the service's own decode processes. A process of its own."""

from __future__ import annotations

import contextlib
import json
import statistics
import sys
import time
from collections import deque
from itertools import cycle
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.inference.classifier import Question, views
from app.main import make_sandbox
from app.settings import load_settings
from vision.networks import NETWORKS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from concurrent.futures import Future

WAITING = 4  # photos in hand for each process: none of them is ever idle


def main() -> None:
    """Read what is asked for, measure, print."""
    asked = json.loads(sys.argv[1])
    photos = [path.read_bytes() for path in sorted(Path(asked["photos"]).iterdir())]
    wanted = views(NETWORKS[asked["model"]], Question())
    with contextlib.closing(make_sandbox(load_settings())) as sandbox:
        endless = (sandbox.decode(photo, wanted) for photo in cycle(photos))
        measured = _measure(endless, asked["processes"], asked["seconds"] / 2)
    print(json.dumps(measured))  # noqa: T201 - what it is for


def _measure(decodes: Iterator[Future[Any]], processes: int, seconds: float) -> dict[str, Any]:
    """Decode one photo after the other, then as many as the processes take; each for so many seconds."""
    _together(decodes, processes * WAITING, seconds=0)  # every process has imported what it needs
    alone = _alone(lambda: next(decodes).result(), seconds)
    return {
        "processes": processes,
        "ms": 1000 * statistics.median(alone),
        "photos_per_second": _together(decodes, processes * WAITING, seconds),
    }


def _alone(decode: Callable[[], object], seconds: float) -> list[float]:
    times: list[float] = []
    while not times or sum(times) < seconds:
        began = time.perf_counter()
        decode()
        times.append(time.perf_counter() - began)
    return times


def _together(decodes: Iterator[Future[Any]], in_hand: int, seconds: float) -> float:
    """Keep so many photos in hand; return how many were done in a second."""
    waiting = deque(next(decodes) for _ in range(in_hand))
    began, done = time.perf_counter(), 0
    while (took := time.perf_counter() - began) < seconds:
        waiting.popleft().result()
        waiting.append(next(decodes))
        done += 1
    for last in waiting:
        last.result()
    return done / took if done else 0.0


if __name__ == "__main__":
    main()
