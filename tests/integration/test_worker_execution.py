"""One delivery of a job over a real Redis: what is removed after it, and when."""

import multiprocessing
import os
import signal
import threading
from collections.abc import Mapping
from typing import Any

from redis_live import LiveRedis
from stored import entry, outcome, progress, queued, types
from waiting import wait_until
from workers import START, timed

from jobs.connection import connect
from jobs.model import Claim, JobStatus
from jobs.store import JobStore
from worker.errors import TrainingError
from worker.execution import LEAVE, Hands, Work, execute
from worker.lease import Lease, StopReason


class Traces:
    """What is left of a job; each removal notes what the record said of the job by then."""

    def __init__(self, store: JobStore, job_id: str) -> None:
        self.store, self.job_id = store, job_id
        self.cleaned = list[JobStatus]()
        self.forgotten = list[JobStatus]()

    def work(self, cancelled: bool = False, failing: bool = False) -> Work:
        """Work that is done, whatever happens meanwhile, or fails."""

        def do(claim: Claim, _: Hands) -> Mapping[str, Any]:
            if cancelled:
                self.store.cancel(claim.job_id)
            if failing:
                raise TrainingError
            return outcome(claim.job_id)

        return Work(
            do,
            clean_up=lambda: self.cleaned.append(self.store.get(self.job_id).status),
            forget=lambda: self.forgotten.append(self.store.get(self.job_id).status),
            seconds=60,
        )


def test_the_checkpoint_goes_last(store: JobStore) -> None:
    """What only another attempt would need goes once the record says that there will be none."""
    traces = Traces(store, queued(store).id)
    assert execute(store, traces.job_id, traces.work()) is JobStatus.SUCCEEDED
    assert (traces.forgotten, traces.cleaned) == ([JobStatus.SUCCEEDED], [])


def test_nothing_comes_of_it(store: JobStore) -> None:
    """Of a job that failed, or was cancelled while its result came, all goes, once the record says so."""
    failed, cancelled = Traces(store, queued(store).id), Traces(store, queued(store).id)
    assert execute(store, failed.job_id, failed.work(failing=True)) is JobStatus.FAILED
    assert execute(store, cancelled.job_id, cancelled.work(cancelled=True)) is JobStatus.CANCELLED
    assert (failed.cleaned, cancelled.cleaned) == ([JobStatus.FAILED], [JobStatus.CANCELLED])
    assert failed.forgotten == cancelled.forgotten == []


def test_reports_of_a_redis_that_was_full(store: JobStore, server: LiveRedis) -> None:
    """What a job could not report while it worked, for Redis had no room, is written down before its end is."""
    job_id = queued(store).id

    def do(_: Claim, hands: Hands) -> Mapping[str, Any]:
        with connect(server.url) as client:
            client.config_set("maxmemory", 1)
        for step in (1, 2, 3):
            hands.report(progress(step), entry(step))
        assert not store.get(job_id).history
        room.start()
        return outcome(job_id)

    def make_room() -> None:
        with connect(server.url) as client:
            client.config_set("maxmemory", 0)

    room = threading.Timer(1.5, make_room)
    try:
        assert execute(store, job_id, Work(do, clean_up=noop, forget=noop, seconds=60)) is JobStatus.SUCCEEDED
    finally:
        make_room()
    assert [each.step for each in store.get(job_id).history] == [1, 2, 3]
    assert types(store, job_id)[-1] == "succeeded"


def noop() -> None:
    """Leave nothing behind, and so remove nothing."""


def hang(*_: object) -> Any:  # noqa: ANN401 - it never returns
    """Do nothing, for ever."""
    threading.Event().wait()


def hang_in_all(url: str, job_id: str) -> None:
    """Execute a job whose work does not stop, and whose removal does not end."""
    with JobStore(connect(url)) as store:
        execute(store, job_id, Work(hang, clean_up=hang, forget=hang, seconds=60))


def test_a_removal_that_hangs(store: JobStore, server: LiveRedis) -> None:
    """The process of a job that does not stop is killed, also while what the job leaves cannot be removed."""
    job_id = queued(store).id
    process = multiprocessing.get_context("spawn").Process(target=hang_in_all, args=(server.url, job_id))
    process.start()
    wait_until(lambda: store.get(job_id).status is JobStatus.RUNNING, START)
    store.cancel(job_id)
    with timed(4):  # up to two until the record says so, two for the removal
        process.join(30)
    assert (process.exitcode, store.get(job_id).status) == (-signal.SIGKILL, JobStatus.CANCELLED)


class OddStore(JobStore):
    """A store that cannot renew a lease, for a reason that nobody foresaw."""

    def renew(self, *_: object) -> Any:  # noqa: ANN401 - it never returns
        """Fail."""
        raise ValueError("a reply that nobody understands")


def told_to_leave_and_hang(*_: object) -> Any:  # noqa: ANN401 - it never returns
    """Do not stop, though this process is leaving."""
    os.kill(os.getpid(), LEAVE)
    hang()


def hang_without_renewals(url: str, job_id: str) -> None:
    """Execute a job whose work does not stop, under a lease that cannot be renewed."""
    with OddStore(connect(url)) as store:
        execute(store, job_id, Work(told_to_leave_and_hang, clean_up=noop, forget=noop, seconds=60))


def test_renewals_that_raise(store: JobStore, server: LiveRedis) -> None:
    """The process of a job that does not stop is killed, and its job given back, whatever renewing the lease raises."""
    job_id = queued(store).id
    process = multiprocessing.get_context("spawn").Process(target=hang_without_renewals, args=(server.url, job_id))
    process.start()
    process.join(60)
    try:
        assert (process.exitcode, store.get(job_id).status) == (-signal.SIGKILL, JobStatus.QUEUED)
    finally:
        process.kill()


def test_the_time_to_stop_begins_once(store: JobStore) -> None:
    """A training that hears again and again that its job is lost has its time from the first word on."""
    claim = store.claim(queued(store).id, "worker", 60)
    assert claim is not None
    lease = Lease(store, claim, 60, hang)
    lease.stop(StopReason.LEAVING)
    lease.stop(StopReason.LOST)
    since = lease._stopped_at
    lease.stop(StopReason.LOST)
    assert (lease.reason, lease._stopped_at) == (StopReason.LOST, since)
