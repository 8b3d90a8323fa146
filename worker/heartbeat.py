"""The worker's sign of life in Redis, by which the API's metrics count the workers; nothing else depends on it."""

from __future__ import annotations

import logging
import os
import socket
import uuid
from typing import TYPE_CHECKING

from jobs import figures
from jobs.background import PeriodicThread
from jobs.errors import StoreError

if TYPE_CHECKING:
    from jobs.store import JobStore

log = logging.getLogger(__name__)

EVERY_SECONDS = 5.0
ALIVE_SECONDS = 15.0  # as long as a lease: a worker that is silent for longer has lost its job as well


class Heartbeat(PeriodicThread):
    """A thread that gives the sign every five seconds, for as long as this worker lives."""

    def __init__(self, store: JobStore, every: float = EVERY_SECONDS, alive: float = ALIVE_SECONDS) -> None:
        super().__init__("heartbeat", every, self._beat, immediately=True)
        self._store = store
        self._alive = alive
        self._worker = f"{socket.gethostname()}:{os.getpid()}:{uuid.uuid4().hex}"

    def stop(self, seconds: float | None = 5) -> None:
        """Stop, and remove this worker from the count."""
        super().stop(seconds)
        try:
            self._store.run(figures.beat(self._worker, 0))
        except StoreError:
            log.debug("the last sign is left to run out")

    def _beat(self) -> None:
        self._store.run(figures.beat(self._worker, self._alive))
