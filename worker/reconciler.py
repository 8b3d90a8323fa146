"""What Celery over Redis loses is found again: jobs that were never delivered, and jobs whose worker died.

One worker at a time does it, by a lock; the record in Redis says what there is to do.
"""

from __future__ import annotations

import logging
import threading
import uuid
from typing import TYPE_CHECKING

from jobs.damage import damaged
from jobs.errors import JobNotFound, RecordDamaged, StoreError, StoreUnavailable
from jobs.model import JobStatus
from jobs.queue import TASKS, publish
from jobs.queue import waiting as waiting_in

if TYPE_CHECKING:
    from celery import Celery

    from jobs.model import DueJob
    from jobs.store import JobStore

log = logging.getLogger(__name__)

LOCK = "reconciler"
EVERY_SECONDS = 2.0
LOCK_SECONDS = 10.0  # longer than a round with a slow Redis, so that the lock is kept from round to round
DELIVERY_SECONDS = 20.0  # a job that is still queued so long after it was published is published again


class Reconciler:
    """A thread that looks every two seconds, for as long as this worker lives."""

    def __init__(self, store: JobStore, queue: Celery) -> None:
        self._store = store
        self._queue = queue
        self._owner = uuid.uuid4().hex
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="reconciler", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End, and let another worker do it at once."""
        self._over.set()
        self._thread.join(5)
        try:
            self._store.unlock(LOCK, self._owner)
        except StoreError:
            log.debug("the lock is left to run out")

    def look(self) -> None:
        """Do one round, if no other worker does.

        Raises:
            StoreUnavailable: Redis is away; the next round does what is left.
        """
        if not self._store.lock(LOCK, self._owner, LOCK_SECONDS):
            return
        due = self._store.due(DELIVERY_SECONDS)
        for job in due.lost:
            try:
                taken = self._store.take_back(job.id)
            except (JobNotFound, RecordDamaged):  # removed meanwhile, or logged; if it is queued now, it is due next
                continue
            log.warning("job %s was left by its worker; it is %s now", job.id, taken.status)
            if taken.status is JobStatus.QUEUED:
                self._hand_over(job)
        waiting = waiting_in(self._queue) if due.unpublished else set()
        for job in due.unpublished:
            if job.id not in waiting:
                self._hand_over(job)

    def _hand_over(self, job: DueJob) -> None:
        if job.kind not in TASKS:
            damaged("job", job.id, f"this version has no jobs of the kind {job.kind[:80]!r}")
            return
        publish(self._queue, job.kind, job.id)
        self._store.mark_published(job.id)

    def _run(self) -> None:
        while not self._over.wait(EVERY_SECONDS):
            try:
                self.look()
            except StoreUnavailable as error:
                log.warning("%s", error)
            except Exception:
                log.exception("a round failed; the next one tries again")
