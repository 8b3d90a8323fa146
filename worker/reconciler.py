"""What Celery over Redis loses is found again: jobs that were never delivered, and jobs whose worker died.

One worker at a time does it, by a lock; the record in Redis says what there is to do.
"""

from __future__ import annotations

import logging
import time
import uuid
from typing import TYPE_CHECKING

from bestguess.schemas.jobs import JobStatus
from jobs.background import PeriodicThread
from jobs.damage import damaged
from jobs.errors import JobNotFound, RecordDamaged, StoreError, StoreUnavailable
from jobs.queue import TASKS, publish
from jobs.queue import waiting as waiting_in

if TYPE_CHECKING:
    from celery import Celery

    from jobs.records import DueJob
    from jobs.store import JobStore

log = logging.getLogger(__name__)

LOCK = "reconciler"
EVERY_SECONDS = 2.0
LOCK_SECONDS = 10.0  # longer than a round with a slow Redis, so that the lock is kept from round to round
GRACE_SECONDS = 5.0  # after Redis was away: leases that ran out meanwhile are renewed within one
DELIVERY_SECONDS = 20.0  # a job that is still queued so long after it was published is published again


class Reconciler(PeriodicThread):
    """A thread that looks every two seconds, for as long as this worker lives."""

    _grace_until = 0.0

    def __init__(self, store: JobStore, queue: Celery) -> None:
        super().__init__("reconciler", EVERY_SECONDS, self.look)
        self._store = store
        self._queue = queue
        self._owner = uuid.uuid4().hex

    def stop(self, seconds: float | None = 5) -> None:
        """Stop, and release the lock, so that another worker takes over at once."""
        super().stop(seconds)
        try:
            self._store.unlock(LOCK, self._owner)
        except StoreError:
            log.debug("the lock is left to run out")

    def look(self) -> None:
        """Do one round, if no other worker does.

        Raises:
            StoreUnavailable: Redis is away; the next round does what is left.
        """
        try:
            if not self._store.lock(LOCK, self._owner, LOCK_SECONDS):
                return
        except StoreUnavailable:
            self._grace_until = time.monotonic() + GRACE_SECONDS
            raise
        due = self._store.due(DELIVERY_SECONDS)
        for job in due.lost if time.monotonic() > self._grace_until else ():
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
