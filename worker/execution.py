"""One delivery of one job: claimed, worked on under a lease, and settled with the truth, whatever happens."""

from __future__ import annotations

import logging
import os
import signal
import socket
import time
import uuid
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from jobs.errors import LeaseLost, RecordDamaged, StoreUnavailable
from jobs.model import JobError, JobStatus
from jobs.telemetry.context import telling
from worker.errors import Stopped, TrainingError
from worker.lease import LEASE_SECONDS, TIME_LIMIT, Lease, StopReason

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from jobs.model import Claim, HistoryEntry, Progress
    from jobs.store import JobStore
    from jobs.telemetry.tracing import Tracing

log = logging.getLogger(__name__)

LEAVE = signal.SIGUSR2  # what the worker's main process sends to say that it is leaving
SETTLE_SECONDS = 600.0  # how long a finished job tries to say so while Redis is away
SETTLE_PAUSE = 1.0  # seconds


@dataclass(frozen=True, slots=True)
class Hands:
    """What a job's work is given: a way to report, and to ask whether it has to stop."""

    report: Callable[[Progress, HistoryEntry | None], None]
    should_stop: Callable[[], bool]


@dataclass(frozen=True, slots=True)
class Work:
    """What a kind of job does, and for how many seconds at most.

    `clean_up` removes all that it leaves, when nothing comes of it, and `forget` what only another attempt would need.
    """

    do: Callable[[Claim, Hands], Mapping[str, Any]]
    clean_up: Callable[[], None]
    forget: Callable[[], None]
    seconds: float


@dataclass(frozen=True, slots=True)
class Outcome:
    """How the work ended: a final status, or None to give the job back to the queue."""

    status: JobStatus | None
    result: Mapping[str, Any] | None = None
    error: JobError | None = None


@dataclass(slots=True)
class Reporter:
    """Writes reports down; those of the history are kept, in order, while Redis is away."""

    store: JobStore
    claim: Claim
    lease: Lease
    kept: list[tuple[Progress, HistoryEntry | None]] = field(default_factory=list)

    def __call__(self, progress: Progress, entry: HistoryEntry | None) -> None:
        """Record progress and, where it is one of the job's reports, its entry of the history."""
        self.kept.append((progress, entry))
        try:
            self.flush()
        except StoreUnavailable as error:
            log.warning("a report of job %s waits: %s", self.claim.job_id, error)
            self.kept = [(progress, entry) for progress, entry in self.kept if entry]
        except LeaseLost:
            self.lease.stop(StopReason.LOST)

    def flush(self) -> None:
        """Write down what is kept.

        Raises:
            StoreUnavailable: Redis is away; what it has not taken is kept.
            LeaseLost: the job is another's by now.
        """
        while self.kept:
            self.store.report(self.claim.job_id, self.claim.fence, *self.kept[0])
            del self.kept[0]


def execute(store: JobStore, job_id: str, work: Work, tracing: Tracing | None = None) -> JobStatus | None:
    """Run a job if it is to be had; None if it was another's or nobody's, or its record is damaged.

    Returns the status it was left in. Raises StoreUnavailable where Redis is away before the work begins: the job stays
    in the queue, and is delivered again.
    """
    try:
        claim = store.claim(job_id, owner(), LEASE_SECONDS)
    except RecordDamaged:  # logged where it was found
        return None
    if claim is None:
        log.info("job %s is not to be had: finished, or another worker's", job_id)
        return None
    with telling(job_id=job_id, request_id=claim.origin.request_id):
        return _execute(store, claim, work, tracing)


def _execute(store: JobStore, claim: Claim, work: Work, tracing: Tracing | None) -> JobStatus | None:
    log.info("job %s begins, attempt %d, after %.1f s in the queue", claim.job_id, claim.attempt, claim.waited_seconds)
    with tracing.training(claim) if tracing else nullcontext() as training:
        with Lease(store, claim, work.seconds, work.clean_up) as lease, told_to_leave(lease):
            reporter = Reporter(store, claim, lease)
            outcome = attempt(work, claim, lease, Hands(reporter, lease.should_stop))
            status = settle(reporter, outcome) if outcome else None
        if training:
            training.ended(status)
    log.info("job %s is %s", claim.job_id, status or "another's by now")
    # Not under the lease, which would take the job for lost, and kill this process if removing takes long. What a
    # worker that leaves cuts short goes with the job's record.
    if status in {JobStatus.FAILED, JobStatus.CANCELLED}:
        work.clean_up()
    elif status is JobStatus.SUCCEEDED:
        work.forget()
    return status


def attempt(work: Work, claim: Claim, lease: Lease, hands: Hands) -> Outcome | None:
    """Do the work, and say how it ended; None where the job is no longer ours to say anything about."""
    try:
        return Outcome(JobStatus.SUCCEEDED, work.do(claim, hands))
    except Stopped:
        return stopped(lease.reason)
    except TrainingError as error:
        return Outcome(JobStatus.FAILED, error=JobError(code=error.code, detail=str(error)))
    except LeaseLost:
        return None
    except Exception as error:
        log.exception("job %s failed", claim.job_id)
        detail = f"The worker could not finish it: {type(error).__name__}. Its log has the whole error."
        return Outcome(JobStatus.FAILED, error=JobError(code="internal-error", detail=detail))


def stopped(reason: StopReason | None) -> Outcome | None:
    """Say how a job ends whose work was told to stop."""
    match reason:
        case StopReason.CANCELLED:
            return Outcome(JobStatus.CANCELLED)
        case StopReason.TIME_LIMIT:
            return Outcome(JobStatus.FAILED, error=TIME_LIMIT)
        case StopReason.LEAVING:
            return Outcome(None)
        case _:
            return None


def settle(reporter: Reporter, outcome: Outcome) -> JobStatus | None:
    """Write down how a job ended, and its reports before, waiting for Redis if need be; None if it is another's by now.

    Raises:
        StoreUnavailable: Redis stayed away; the job is taken back when its lease runs out.
    """
    store, claim = reporter.store, reporter.claim
    until = time.monotonic() + SETTLE_SECONDS
    while True:
        try:
            reporter.flush()
            if outcome.status is None:
                return store.release(claim.job_id, claim.fence)
            return store.finish(claim.job_id, claim.fence, outcome.status, outcome.result, outcome.error).status
        except (LeaseLost, RecordDamaged):
            return None
        except StoreUnavailable:
            if time.monotonic() > until or outcome.status is None:
                raise
            time.sleep(SETTLE_PAUSE)


@contextmanager
def told_to_leave(lease: Lease) -> Iterator[None]:
    """Let the signal of the main process stop the work, so that another worker goes on from the last checkpoint."""
    before = signal.signal(LEAVE, lambda *_: lease.stop(StopReason.LEAVING))
    try:
        yield
    finally:
        signal.signal(LEAVE, before)


def owner() -> str:
    """Make a token for one delivery: which process of which machine, and which time of it."""
    return f"{socket.gethostname()}:{os.getpid()}:{uuid.uuid4().hex}"
