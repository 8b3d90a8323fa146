"""One delivery of one job: claimed, worked on under a lease, and settled with the truth, whatever happens."""

from __future__ import annotations

import errno
import logging
import os
import signal
import socket
import time
import uuid
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

from bestguess.schemas.jobs import JobError, JobStatus
from jobs.artifacts import ArtifactsUnavailable
from jobs.errors import LeaseLost, RecordDamaged, StoreUnavailable
from jobs.telemetry.context import telling
from worker.errors import Stopped, TrainingError, disk_error
from worker.keeping import ModelNotKept, StoppedWaiting, insist, may_come_back, rest
from worker.lease import LEASE_SECONDS, TIME_LIMIT, Lease, StopReason

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from bestguess.schemas.jobs import HistoryEntry, Progress
    from jobs.records import Claim
    from jobs.store import JobStore
    from jobs.telemetry.tracing import Tracing

log = logging.getLogger(__name__)

LEAVE = signal.SIGUSR2  # what the worker's main process sends to say that it is leaving
SETTLE_SECONDS = 600.0  # how long a finished job tries to say so while Redis is away
SETTLE_PAUSE = 1.0  # seconds
GIVE_BACK_PAUSE = 5.0  # seconds; the queue delivers a job that was given back within two
_AWAY = (errno.ESTALE, errno.ETIMEDOUT)  # what a file system says whose server does not answer


@dataclass(frozen=True, slots=True)
class Hands:
    """What a job's work is given: a way to report, and to ask whether it has to stop."""

    report: Callable[[Progress, HistoryEntry | None], None]
    should_stop: Callable[[], bool]


@dataclass(frozen=True, slots=True)
class Work:
    """What a kind of job does, and for how many seconds at most.

    `clean_up` removes all that it leaves, when nothing comes of it, and `forget` what only another attempt would need.
    `pause` is how many seconds it waits before it goes back to the queue for lack of a store.
    """

    do: Callable[[Claim, Hands], Mapping[str, Any]]
    clean_up: Callable[[], None]
    forget: Callable[[], None]
    seconds: float
    pause: float = GIVE_BACK_PAUSE


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


class Leave:
    """Hears the signal of the main process, from before a job is claimed on, lest it end a process that has one."""

    def __init__(self) -> None:
        self._told = False
        self._lease: Lease | None = None

    def __enter__(self) -> Self:
        self._before = signal.signal(LEAVE, self._hear)
        return self

    def __exit__(self, *_: object) -> None:
        signal.signal(LEAVE, self._before)

    def is_told(self) -> bool:
        """Return whether the signal has come."""
        return self._told

    @contextmanager
    def stopping(self, lease: Lease) -> Iterator[None]:
        """Stop a job's work at the signal, also at one that has come, so that another worker goes on with it."""
        self._lease = lease
        if self._told:
            lease.stop(StopReason.LEAVING)
        try:
            yield
        finally:
            self._lease = None

    def _hear(self, *_: object) -> None:
        self._told = True
        if self._lease:
            self._lease.stop(StopReason.LEAVING)


def execute(store: JobStore, job_id: str, work: Work, tracing: Tracing | None = None) -> JobStatus | None:
    """Run a job if it is to be had; None if it was another's or nobody's, or its record is damaged.

    Returns the status it was left in. Raises StoreUnavailable where Redis stays away before the work begins: the job
    stays in the queue, and is delivered again.
    """
    token = owner()  # the same for each try: a claim whose reply was lost is not a second one
    with Leave() as leave:
        try:
            waiting = f"job {job_id} waits for Redis"
            claim = insist(lambda: store.claim(job_id, token, LEASE_SECONDS), leave.is_told, waiting, SETTLE_PAUSE)
        except Stopped:
            log.info("job %s stays in the queue: %s", job_id, StopReason.LEAVING.value)
            return None
        except RecordDamaged:  # logged where it was found
            return None
        if claim is None:
            log.info("job %s is not to be had: finished, or another worker's", job_id)
            return None
        with telling(job_id=job_id, request_id=claim.origin.request_id):
            return _execute(store, claim, work, tracing, leave)


def _execute(store: JobStore, claim: Claim, work: Work, tracing: Tracing | None, leave: Leave) -> JobStatus | None:
    log.info("job %s begins, attempt %d, after %.1f s in the queue", claim.job_id, claim.attempt, claim.waited_seconds)
    with tracing.training(claim) if tracing else nullcontext() as training:
        with Lease(store, claim, work.seconds, work.clean_up) as lease, leave.stopping(lease):
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
    except StoppedWaiting:  # the time that has run out may be the store's, and another attempt has its own
        return Outcome(None) if lease.reason is StopReason.TIME_LIMIT else stopped(lease.reason)
    except Stopped:
        return stopped(lease.reason)
    except LeaseLost:
        return None
    except Exception as error:  # noqa: BLE001 - whatever it is, the job's record has to say so
        return given_back(claim, lease, error, work.pause) if is_away(error) else failed(claim, error)


def is_away(error: Exception) -> bool:
    """Return whether an error says that Redis or a store cannot be reached now, and may be later."""
    if isinstance(error, (StoreUnavailable, ArtifactsUnavailable)):
        return may_come_back(error)
    return isinstance(error, OSError) and error.errno in _AWAY


def failed(claim: Claim, error: Exception) -> Outcome:
    """Say of a job why it cannot succeed; what its kind does not expect is logged as well."""
    known = disk_error(error) if isinstance(error, OSError) else error
    if isinstance(known, TrainingError):
        code, detail = known.code, str(known)
    elif isinstance(known, ArtifactsUnavailable):
        code, detail = ModelNotKept.code, str(known)
    else:
        what = f"{type(error).__name__} ({error.strerror})" if isinstance(error, OSError) else type(error).__name__
        code, detail = "internal-error", f"The worker could not finish it: {what}. Its log has the whole error."
    if known is not error or code == "internal-error":
        log.error("job %s failed", claim.job_id, exc_info=error)
    return Outcome(JobStatus.FAILED, error=JobError(code=code, detail=detail))


def given_back(claim: Claim, lease: Lease, error: Exception, pause: float) -> Outcome | None:
    """Give a job back to the queue that lacks what will be there again, after a pause; a reason to stop comes first."""
    if lease.reason is None:
        log.warning("job %s goes back to the queue: %s", claim.job_id, error)
        with suppress(Stopped):
            rest(pause, lease.should_stop)
    return stopped(lease.reason) if lease.reason else Outcome(None)


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
            if time.monotonic() > until:
                raise
            time.sleep(SETTLE_PAUSE)


def owner() -> str:
    """Make a token for one delivery: which process of which machine, and which time of it."""
    return f"{socket.gethostname()}:{os.getpid()}:{uuid.uuid4().hex}"
