"""A sign of life for health checks: a file that a worker touches. `python -m worker.pulse FILE` says if it is fresh.

It does not ask Redis: a worker whose Redis is away trains on, and must not be started again for that.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

from jobs.background import PeriodicThread

EVERY_SECONDS = 5.0
FRESH_SECONDS = 60.0  # beside a training on few cores a thread may wait for its turn


class Pulse(PeriodicThread):
    """A thread that touches the file for as long as this worker takes jobs; without a file it does nothing."""

    def __init__(self, path: Path | None) -> None:
        super().__init__("pulse (BESTGUESS_WORKER_PULSE)", EVERY_SECONDS, self._touch, immediately=True)
        self._path = path

    def start(self) -> None:
        """Start the thread, if there is a file."""
        if self._path:
            super().start()

    def stop(self, seconds: float | None = 1) -> None:
        """Stop, and remove the file."""
        super().stop(seconds)
        if self._path:
            self._path.unlink(missing_ok=True)

    def _touch(self) -> None:
        if self._path:
            self._path.touch()


def fresh(path: Path) -> bool:
    """Whether a worker has touched its file within the last minute."""
    try:
        return time.time() - path.stat().st_mtime < FRESH_SECONDS
    except OSError:
        return False


if __name__ == "__main__":
    sys.exit(not fresh(Path(sys.argv[1])))
