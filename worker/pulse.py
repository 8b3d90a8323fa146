"""A sign of life for health checks: a file that a worker touches. `python -m worker.pulse FILE` says if it is fresh.

It does not ask Redis: a worker whose Redis is away trains on, and must not be started again for that.
"""

from __future__ import annotations

import logging
import sys
import threading
import time
from pathlib import Path

log = logging.getLogger(__name__)

EVERY_SECONDS = 5.0
FRESH_SECONDS = 60.0  # beside a training on few cores a thread may wait for its turn


class Pulse:
    """A thread that touches the file for as long as this worker takes jobs; without a file it does nothing."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="pulse", daemon=True)

    def start(self) -> None:
        """Begin."""
        if self._path:
            self._thread.start()

    def stop(self) -> None:
        """End, and leave no sign of life."""
        self._over.set()
        if self._path:
            self._thread.join(1)
            self._path.unlink(missing_ok=True)

    def _run(self) -> None:
        beating = True
        while beating:
            try:
                if self._path:
                    self._path.touch()
            except OSError as error:
                log.warning("BESTGUESS_WORKER_PULSE: %s", error)
            beating = not self._over.wait(EVERY_SECONDS)


def fresh(path: Path) -> bool:
    """Whether a worker has touched its file within the last minute."""
    try:
        return time.time() - path.stat().st_mtime < FRESH_SECONDS
    except OSError:
        return False


if __name__ == "__main__":
    sys.exit(not fresh(Path(sys.argv[1])))
