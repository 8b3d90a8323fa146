"""Load profiles and their results: closed loops of N connections, and an open loop above what the server can do."""

from __future__ import annotations

import math
import time
from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from benchmarks.processes import UsageError, run_module

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from app.settings import Settings

DEFAULT_CONNECTIONS = "1,8,32,128"
MAX_CONNECTIONS = 800  # below the 1,024 files that a process may usually open
OVERLOAD_FACTOR = 4  # times the best rate measured
WARM_UP_SECONDS = 60.0  # at most: as long as the last of 128 waits at two images a second
TIMEOUT_SECONDS = 30.0  # beyond the service's own deadline
ANSWERED, REFUSED = "200", "429"
_PERCENTILES = (50, 95, 99)


@dataclass(frozen=True, slots=True)
class Load:
    """Parameters of one load: `connections` send the photos in a folder to a URL for `seconds`, after a warm-up.

    The warm-up ends after `warm_up_answers`, or after `warm_up_seconds`, which is also how long a first answer is
    waited for afterwards. With a `rate` (requests per second) the loop is open: requests are sent whether earlier ones
    were answered or not. Without, it is closed: each connection sends when it has its answer.
    """

    host: str
    path: str
    photos: str
    connections: int
    seconds: float
    warm_up_answers: int
    warm_up_seconds: float
    timeout: float
    rate: float | None = None


@dataclass
class Pacer:
    """Clock of an open loop: `rate` requests per second. Turns that no connection was free to take are dropped."""

    rate: float
    clock: Callable[[], float] = time.perf_counter
    _next: float = field(default=0.0, init=False)

    def take_turn(self) -> float:
        """Take the next turn, and return the seconds until it comes."""
        now = self.clock()
        turn = max(self._next, now)
        self._next = turn + 1 / self.rate
        return turn - now


class Answer(NamedTuple):
    """The end of one request: the HTTP status or the name of the error, and the milliseconds that it took."""

    status: str
    ms: float


@dataclass(frozen=True, slots=True)
class LoadGenerator:
    """Puts loads on one server, `seconds` for each; `progress` shows what is being done."""

    host: str
    path: str
    photos: Path
    seconds: float
    settings: Settings
    progress: Callable[[str], None]

    def closed_loop(self, connections: int, note: str = "") -> dict[str, Any]:
        """Keep `connections` busy.

        The measurement begins after as many answers as there are connections: the queue then has its final length.
        """
        self.progress(f"{connections} connections{note}")
        return self._run(connections, warm_up_answers=max(connections, 8))

    def overload(self, peak: float) -> dict[str, Any]:
        """Send `OVERLOAD_FACTOR` times the best rate, in an open loop.

        There are as many connections as requests fit into the service's queue, and those sent within half a second.
        """
        rate, queue_size = OVERLOAD_FACTOR * peak, self.settings.queue_size
        self.progress(f"overload: {rate:.0f} images/s")
        connections = min(queue_size + math.ceil(rate / 2), MAX_CONNECTIONS)
        row = self._run(connections, warm_up_answers=queue_size, rate=rate)
        return {**row, "wanted_per_second": rate}

    def _run(self, connections: int, warm_up_answers: int, rate: float | None = None) -> dict[str, Any]:
        load = Load(
            host=self.host,
            path=self.path,
            photos=str(self.photos),
            connections=connections,
            seconds=self.seconds,
            warm_up_answers=warm_up_answers,
            warm_up_seconds=WARM_UP_SECONDS,
            timeout=self.settings.deadline_seconds + TIMEOUT_SECONDS,
            rate=rate,
        )
        return run_module("benchmarks.locustfile", asdict(load))


def parse_connections(text: str) -> tuple[int, ...]:
    """Parse `1,8,32`; return the numbers ascending, each once.

    Raises:
        UsageError: the text is something else, or a number is out of range.
    """
    try:
        numbers = sorted({int(number) for number in text.split(",")})
    except ValueError:
        numbers = []
    if not numbers or numbers[0] < 1 or numbers[-1] > MAX_CONNECTIONS:
        raise UsageError(
            f"--connections {text!r}: give numbers from 1 to {MAX_CONNECTIONS}, for instance {DEFAULT_CONNECTIONS}"
        )
    return tuple(numbers)


def summarize(answers: Sequence[Answer], sent: int, seconds: float) -> dict[str, Any]:
    """Return rates, percentiles, refusals and errors of the answers that came within `seconds`."""
    counts = Counter(answer.status for answer in answers)
    answered, refused = counts.pop(ANSWERED, 0), counts.pop(REFUSED, 0)
    return {
        "seconds": seconds,
        "offered_per_second": sent / seconds,
        "images_per_second": answered / seconds,
        "refused_per_second": refused / seconds,
        "answered": {"count": answered, **percentiles([each.ms for each in answers if each.status == ANSWERED])},
        "refused": {"count": refused, **percentiles([each.ms for each in answers if each.status == REFUSED])},
        "errors": dict(sorted(counts.items())),
    }


def percentiles(milliseconds: Sequence[float]) -> dict[str, float | None]:
    """Return interpolated percentiles (Hyndman and Fan 1996, type 7); None without any value."""
    if not milliseconds:
        return {f"p{each}_ms": None for each in _PERCENTILES}
    values = np.percentile(milliseconds, _PERCENTILES)
    return {f"p{each}_ms": float(value) for each, value in zip(_PERCENTILES, values, strict=True)}
