"""The worker's sign of life in Redis, by which the API's metrics count the workers; nothing else depends on it."""

from __future__ import annotations

import logging
import os
import socket
import threading
import uuid
from typing import TYPE_CHECKING

from jobs import figures
from jobs.errors import StoreError

if TYPE_CHECKING:
    from jobs.store import JobStore

log = logging.getLogger(__name__)

EVERY_SECONDS = 5.0
ALIVE_SECONDS = 15.0  # as long as a lease: a worker that is silent for longer has lost its job as well


class Heartbeat:
    """A thread that gives the sign every five seconds, for as long as this worker lives."""

    def __init__(self, store: JobStore, every: float = EVERY_SECONDS, alive: float = ALIVE_SECONDS) -> None:
        self._store = store
        self._every, self._alive = every, alive
        self._worker = f"{socket.gethostname()}:{os.getpid()}:{uuid.uuid4().hex}"
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="heartbeat", daemon=True)

    def start(self) -> None:
        """Begin, with the first sign at once."""
        self._thread.start()

    def stop(self) -> None:
        """End, and be counted no more."""
        self._over.set()
        self._thread.join(5)
        try:
            self._store.run(figures.beat(self._worker, 0))
        except StoreError:
            log.debug("the last sign is left to run out")

    def _run(self) -> None:
        while True:
            try:
                self._store.run(figures.beat(self._worker, self._alive))
            except StoreError as error:
                log.debug("no sign of life could be given: %s", error)
            if self._over.wait(self._every):
                return
