"""The loads that a server is put under: each is one process that sends and listens."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from benchmarks.asked import MOST_CONNECTIONS, Load
from benchmarks.beside import training
from benchmarks.processes import Started, measured

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from app.settings import Settings

OVER = 4  # times the best rate seen
WARM_UP = 60.0  # seconds at most: as long as the last of 128 waits at two images a second
TIMEOUT = 30.0  # seconds beyond the service's own deadline


@dataclass(frozen=True, slots=True)
class Loads:
    """Loads on one server; `seconds` for each."""

    host: str
    path: str
    folder: Path
    seconds: float
    settings: Settings
    say: Callable[[str], None]

    def at(self, connections: int, said: str = "") -> dict[str, Any]:
        """Keep so many connections busy.

        It counts once as many answers have come as there are connections: the queue is then as long as it stays.
        """
        self.say(f"{connections} connections{said}")
        return self._put(connections, warm_up_answers=max(connections, 8))

    def overload(self, peak: float) -> dict[str, Any]:
        """Send `OVER` times as many requests a second as were ever answered, whatever comes back.

        Connections are as many as wait in the service's queue, and as many as can be on their way in half a second.
        """
        rate, most = OVER * peak, self.settings.queue_size
        self.say(f"overload: {rate:.0f} images/s")
        connections = min(most + math.ceil(rate / 2), MOST_CONNECTIONS)
        row = self._put(connections, warm_up_answers=most, rate=rate)
        return {**row, "wanted_per_second": rate}

    def beside(self, connections: int, running: Started) -> dict[str, Any]:
        """Keep so many connections busy while a training runs."""
        self.say("starting a training beside")
        with training(self.host, running) as job:
            row = self.at(connections, " beside a training")
            return {**row, "training_images_per_second": job.pace()}

    def _put(self, connections: int, warm_up_answers: int, rate: float | None = None) -> dict[str, Any]:
        load = Load(
            host=self.host,
            path=self.path,
            photos=str(self.folder / "photos"),
            connections=connections,
            seconds=self.seconds,
            warm_up_answers=warm_up_answers,
            warm_up_seconds=WARM_UP,
            timeout=self.settings.deadline_seconds + TIMEOUT,
            rate=rate,
        )
        return measured("benchmarks.locustfile", asdict(load), self.folder)
