"""A worker's hold on a job: renewed by a thread, which also hears that the work has to stop, and sees that it does."""

from __future__ import annotations

import logging
import os
import time
from enum import StrEnum
from typing import TYPE_CHECKING, Self

from billiard.pool import EX_RECYCLE

from bestguess.schemas.jobs import JobError, JobStatus
from jobs.background import PeriodicThread
from jobs.deadline import within
from jobs.errors import LeaseLost, StoreUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable

    from jobs.records import Claim
    from jobs.store import JobStore

log = logging.getLogger(__name__)

LEASE_SECONDS = 15.0  # how long a job stays with a worker that says nothing
RENEW_SECONDS = 0.5  # a cancel has to be seen within two seconds
CLEAN_UP_SECONDS = 2.0  # before a process ends; what is left then goes with the job's record
ENDED = EX_RECYCLE  # exit code of a process that has settled its job; Celery's pool takes it for a clean end

TIME_LIMIT = JobError(
    code="time-limit", detail="It took longer than BESTGUESS_JOB_SECONDS. Ask for less: fewer steps or epochs."
)


class StopReason(StrEnum):
    """Why a training is told to stop."""

    CANCELLED = "somebody cancelled it"
    LOST = "another worker has it now"
    LEAVING = "this worker is leaving"
    TIME_LIMIT = "its time is over"


# Seconds from being told to stop until the process ends. A training looks four times a second, but importing
# TensorFlow takes several; a cancel is promised within two, and `bestguess up` leaves four to whoever is to leave.
PATIENCE = {StopReason.CANCELLED: 1.0, StopReason.LEAVING: 2.5, StopReason.TIME_LIMIT: 7.0, StopReason.LOST: 7.0}


class Lease:
    """Renews a claim until its block ends. `reason` says why the work has to stop, or is None."""

    def __init__(self, store: JobStore, claim: Claim, seconds: float, clean_up: Callable[[], None]) -> None:
        self.reason: StopReason | None = None
        self._store = store
        self._claim = claim
        self._until = time.monotonic() + seconds
        self._clean_up = clean_up
        self._parent = os.getppid()
        self._stopped_at = 0.0
        self._thread = PeriodicThread("lease", RENEW_SECONDS, self._watch)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._thread.stop(None)

    def should_stop(self) -> bool:
        """Say whether the work has to stop; cheap enough to ask between any two batches."""
        return self.reason is not None

    def stop(self, reason: StopReason) -> None:
        """Tell the work to stop; the first reason counts, but that the job is lost beats every other."""
        if self.reason is None or (reason is StopReason.LOST and self.reason is not reason):
            self.reason = reason
            self._stopped_at = time.monotonic()
            log.info("job %s stops: %s", self._claim.job_id, reason.value)

    def _watch(self) -> None:
        if os.getppid() != self._parent:  # nobody is left who would start the next job, or end this one
            self.stop(StopReason.LEAVING)
        if time.monotonic() > self._until:
            self.stop(StopReason.TIME_LIMIT)
        if self.reason and time.monotonic() > self._stopped_at + PATIENCE[self.reason]:
            self._give_up()
        self._renew()  # last: whatever it raises, a work that does not stop is killed in time

    def _renew(self) -> None:
        try:
            status = self._store.renew(self._claim.job_id, self._claim.fence, LEASE_SECONDS)
        except LeaseLost:
            self.stop(StopReason.LOST)
        else:  # if Redis is away the work goes on; whoever takes the job meanwhile has the higher fence
            if status is JobStatus.CANCELLING:
                self.stop(StopReason.CANCELLED)

    def _give_up(self) -> None:
        """End a training that does not stop by ending its process, which has no other job."""
        job_id, fence, status = self._claim.job_id, self._claim.fence, None
        try:
            if self.reason is StopReason.CANCELLED:
                status = self._store.finish(job_id, fence, JobStatus.CANCELLED).status
            elif self.reason is StopReason.TIME_LIMIT:
                status = self._store.finish(job_id, fence, JobStatus.FAILED, error=TIME_LIMIT).status
            elif self.reason is StopReason.LEAVING:
                status = self._store.release(job_id, fence)
            # Importing TensorFlow takes longer than the patience with these two.
            usual = self.reason in {StopReason.CANCELLED, StopReason.LEAVING}
            words = "job %s is %s; its process ends in the middle of its work"
            log.log(logging.INFO if usual else logging.WARNING, words, job_id, status or "another's by now")
            if status in {JobStatus.CANCELLED, JobStatus.FAILED}:
                within(CLEAN_UP_SECONDS, self._clean_up)
        except LeaseLost:
            log.info("job %s is another's by now; its process ends in the middle of its work", job_id)
        except StoreUnavailable as error:
            log.warning("job %s could not be settled, and its lease runs out: %s", job_id, error)
        except TimeoutError:
            log.warning("job %s leaves something, which goes with its record", job_id)
        finally:
            os._exit(ENDED)
