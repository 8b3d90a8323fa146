"""One delivery of a job over a real Redis: what is removed after it, and when."""

import errno
import multiprocessing
import os
import threading
from collections.abc import Mapping
from typing import Any

import pytest

from bestguess.schemas.jobs import JobStatus
from jobs.artifacts import ArtifactsUnavailable
from jobs.connection import connect
from jobs.errors import StoreUnavailable
from jobs.records import Claim
from jobs.store import JobStore
from support.job_store import entry, outcome, progress, queued, types
from support.redis_server import LiveRedis
from support.stores import FullStore
from support.waiting import wait_until
from support.worker_processes import START, timed
from worker.errors import Stopped, TrainingError
from worker.execution import LEAVE, Hands, Work, execute
from worker.keeping import insist
from worker.lease import ENDED, Lease, StopReason


class Traces:
    """What is left of a job; each removal notes what the record said of the job by then."""

    def __init__(self, store: FullStore, job_id: str) -> None:
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


def test_the_checkpoint_goes_last(store: FullStore) -> None:
    """What only another attempt would need goes once the record says that there will be none."""
    traces = Traces(store, queued(store).id)
    assert execute(store, traces.job_id, traces.work()) is JobStatus.SUCCEEDED
    assert (traces.forgotten, traces.cleaned) == ([JobStatus.SUCCEEDED], [])


def test_nothing_comes_of_it(store: FullStore) -> None:
    """Of a job that failed, or was cancelled while its result came, all goes, once the record says so."""
    failed, cancelled = Traces(store, queued(store).id), Traces(store, queued(store).id)
    assert execute(store, failed.job_id, failed.work(failing=True)) is JobStatus.FAILED
    assert execute(store, cancelled.job_id, cancelled.work(cancelled=True)) is JobStatus.CANCELLED
    assert (failed.cleaned, cancelled.cleaned) == ([JobStatus.FAILED], [JobStatus.CANCELLED])
    assert failed.forgotten == cancelled.forgotten == []


def test_reports_of_a_redis_that_was_full(store: FullStore, server: LiveRedis) -> None:
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


def failing(error: Exception) -> Work:
    """Work that meets an error."""

    def do(*_: object) -> Mapping[str, Any]:
        raise error

    return Work(do, clean_up=noop, forget=noop, seconds=60, pause=0)


@pytest.mark.parametrize(
    "error",
    [
        StoreUnavailable("Connection refused"),
        ArtifactsUnavailable("It is silent.", passing=True),
        OSError(errno.ESTALE, "Stale file handle"),
    ],
)
def test_a_store_that_is_away(store: FullStore, error: Exception) -> None:
    """However often a job meets a Redis or a store that is away, it goes back to the queue and does not fail."""
    job_id = queued(store).id
    for _ in range(4):
        assert execute(store, job_id, failing(error)) is JobStatus.QUEUED
    assert store.get(job_id).error is None
    assert execute(store, job_id, Traces(store, job_id).work()) is JobStatus.SUCCEEDED


def test_a_cancel_while_the_store_is_away(store: FullStore) -> None:
    """A job that is cancelled while its store is away does not go back to the queue."""
    job_id = queued(store).id

    def do(_: Claim, hands: Hands) -> Mapping[str, Any]:
        store.cancel(job_id)
        wait_until(hands.should_stop, 20)
        raise StoreUnavailable

    assert execute(store, job_id, Work(do, clean_up=noop, forget=noop, seconds=60)) is JobStatus.CANCELLED


def test_the_time_is_over_while_the_store_is_away(store: FullStore) -> None:
    """A job whose time runs out while it waits for its store goes back to the queue; one that works has failed."""
    waits, works = queued(store).id, queued(store).id

    def away() -> None:
        raise ArtifactsUnavailable("It is silent.", passing=True)

    def wait(_: Claim, hands: Hands) -> Mapping[str, Any]:
        insist(away, hands.should_stop, "The network waits")
        raise AssertionError

    def work(_: Claim, hands: Hands) -> Mapping[str, Any]:
        wait_until(hands.should_stop, 20)
        raise Stopped

    assert execute(store, waits, Work(wait, clean_up=noop, forget=noop, seconds=0)) is JobStatus.QUEUED
    assert execute(store, works, Work(work, clean_up=noop, forget=noop, seconds=0)) is JobStatus.FAILED


@pytest.mark.parametrize(
    ("error", "code", "words"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), "disk-full", "Free some space"),
        (FileNotFoundError(errno.ENOENT, "No such file or directory", "/data/x"), "disk-unavailable", "/data/x"),
        (ArtifactsUnavailable("Check the keys.", passing=False), "artifacts-unavailable", "Check the keys."),
        (OSError(errno.ENOMEM, "Cannot allocate memory"), "internal-error", "Cannot allocate memory"),
        (ZeroDivisionError(), "internal-error", "ZeroDivisionError"),
    ],
)
def test_why_a_job_failed(store: FullStore, error: Exception, code: str, words: str) -> None:
    """An error that no waiting mends fails the job, with a code and words for what happened."""
    job_id = queued(store).id
    assert execute(store, job_id, failing(error)) is JobStatus.FAILED
    told = store.get(job_id).error
    assert told is not None
    assert (told.code, words in told.detail) == (code, True)


def test_redis_is_away_when_a_job_is_delivered(store: FullStore, server: LiveRedis) -> None:
    """A delivered job waits for a Redis that is away, and then runs as the first attempt."""
    job_id = queued(store).id
    server.kill()
    back = threading.Timer(0.5, server.start)
    back.start()
    try:
        assert execute(store, job_id, Traces(store, job_id).work()) is JobStatus.SUCCEEDED
    finally:
        back.join()
    assert store.get(job_id).attempt == 1


class LeavingStore(JobStore):
    """A store whose worker is told to leave while a claim's reply is on its way, or while there is none."""

    silent = False

    def claim(self, job_id: str, owner: str, lease_seconds: float) -> Claim | None:
        """Claim a job, or not."""
        os.kill(os.getpid(), LEAVE)
        if self.silent:
            raise StoreUnavailable
        return super().claim(job_id, owner, lease_seconds)


@pytest.mark.parametrize(("silent", "left"), [(False, JobStatus.QUEUED), (True, None)])
def test_a_worker_leaves_while_it_claims(
    store: FullStore, server: LiveRedis, silent: bool, left: JobStatus | None
) -> None:
    """A job that is claimed just as its worker leaves goes back to the queue; one that is not yet stays there."""
    job_id = queued(store).id

    def do(_: Claim, hands: Hands) -> Mapping[str, Any]:
        assert hands.should_stop()
        raise Stopped

    with LeavingStore(connect(server.url)) as leaving:
        leaving.silent = silent
        assert execute(leaving, job_id, Work(do, clean_up=noop, forget=noop, seconds=60)) is left
    assert store.get(job_id).status is JobStatus.QUEUED


def test_a_redis_that_is_full_at_first(store: FullStore, server: LiveRedis) -> None:
    """A job that is delivered while Redis refuses is claimed as soon as it does not."""
    traces = Traces(store, queued(store).id)
    with connect(server.url) as client:
        client.config_set("maxmemory", 1)
        room = threading.Timer(0.5, client.config_set, ("maxmemory", 0))
        room.start()
        assert execute(store, traces.job_id, traces.work()) is JobStatus.SUCCEEDED
        room.join()


def noop() -> None:
    """Leave nothing behind, and so remove nothing."""


def hang(*_: object) -> Any:  # noqa: ANN401 - it never returns
    """Do nothing, for ever."""
    threading.Event().wait()


def hang_in_all(url: str, job_id: str) -> None:
    """Execute a job whose work does not stop, and whose removal does not end."""
    with JobStore(connect(url)) as store:
        execute(store, job_id, Work(hang, clean_up=hang, forget=hang, seconds=60))


def test_a_removal_that_hangs(store: FullStore, server: LiveRedis) -> None:
    """The process of a job that does not stop ends, also while what the job leaves cannot be removed."""
    job_id = queued(store).id
    process = multiprocessing.get_context("spawn").Process(target=hang_in_all, args=(server.url, job_id))
    process.start()
    wait_until(lambda: store.get(job_id).status is JobStatus.RUNNING, START)
    store.cancel(job_id)
    with timed(4):  # up to two until the record says so, two for the removal
        process.join(30)
    assert (process.exitcode, store.get(job_id).status) == (ENDED, JobStatus.CANCELLED)


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


def test_renewals_that_raise(store: FullStore, server: LiveRedis) -> None:
    """The process of a job that does not stop ends, and its job is given back, whatever renewing the lease raises."""
    job_id = queued(store).id
    process = multiprocessing.get_context("spawn").Process(target=hang_without_renewals, args=(server.url, job_id))
    process.start()
    process.join(60)
    try:
        assert (process.exitcode, store.get(job_id).status) == (ENDED, JobStatus.QUEUED)
    finally:
        process.kill()


def test_the_time_to_stop_begins_once(store: FullStore) -> None:
    """A training that hears again and again that its job is lost has its time from the first word on."""
    claim = store.claim(queued(store).id, "worker", 60)
    assert claim is not None
    lease = Lease(store, claim, 60, hang)
    lease.stop(StopReason.LEAVING)
    lease.stop(StopReason.LOST)
    since = lease._stopped_at
    lease.stop(StopReason.LOST)
    assert (lease.reason, lease._stopped_at) == (StopReason.LOST, since)
