import signal
import socket
import time

import billiard
import pytest

from bestguess.schemas.jobs import JobStatus
from jobs import figures
from jobs.errors import NotFinished
from jobs.store import PREFIX
from support.job_store import BRIEF, LEASE, entry, progress, queued, running, types
from support.stores import FullStore
from support.waiting import wait_until
from worker.children import StuckWatch

HOUR = 3_600_000  # ms


def test_due(store: FullStore) -> None:
    """What is due are jobs not handed to the queue for a while, until they are, and jobs whose lease ran out."""
    job, claim = queued(store), running(store, BRIEF)
    assert [one.id for one in store.due(0).unpublished] == [job.id]
    assert store.due(60).unpublished == []
    assert wait_until(lambda: store.due(60).lost, 5)[0].id == claim.job_id
    store.mark_published(job.id)
    assert store.due(60).unpublished == []


def test_take_back(store: FullStore) -> None:
    """A job whose worker is lost is queued again, and fails at the third loss, with the reason."""
    claim = running(store, BRIEF)
    for attempt in (1, 2):
        wait_until(lambda: store.due(60).lost, 5)
        assert store.take_back(claim.job_id).status == "queued"
        retry = store.claim(claim.job_id, f"worker {attempt}", BRIEF)
        assert retry is not None
        assert retry.attempt == attempt + 1
    wait_until(lambda: store.due(60).lost, 5)
    failed = store.take_back(claim.job_id)
    assert failed.status == "failed"
    assert failed.error is not None
    assert failed.error.code == "worker-lost"
    assert "3 attempts" in failed.error.detail
    assert types(store, claim.job_id) == ["created", *["started", "retried"] * 2, "started", "failed"]


def test_take_back_leaves_others_alone(store: FullStore) -> None:
    """A job whose worker is alive is not taken from it."""
    claim = running(store)
    assert store.take_back(claim.job_id).status == "running"
    assert store.renew(claim.job_id, claim.fence, LEASE) == "running"


def test_lost_while_cancelling(store: FullStore) -> None:
    """A job that was to be cancelled and lost its worker is cancelled, by whoever looks first."""
    taken, claimed = running(store, BRIEF), running(store, BRIEF)
    for claim in (taken, claimed):
        store.cancel(claim.job_id)
    wait_until(lambda: len(store.due(60).lost) == 2, 5)
    assert store.take_back(taken.job_id).status == "cancelled"
    assert store.claim(claimed.job_id, "second", LEASE) is None
    assert store.get(claimed.job_id).status == "cancelled"


def test_lock(store: FullStore) -> None:
    """A lock has one owner, who can keep it; it is free again when given back, or after its time."""
    assert store.lock("reconciler", "me", LEASE)
    assert store.lock("reconciler", "me", LEASE)
    assert not store.lock("reconciler", "you", LEASE)
    store.unlock("reconciler", "you")
    assert not store.lock("reconciler", "you", LEASE)
    store.unlock("reconciler", "me")
    assert store.lock("reconciler", "you", 0.05)
    wait_until(lambda: store.lock("reconciler", "me", LEASE), 5)


def test_the_clock_is_set_back(store: FullStore) -> None:
    """What a clock told that was an hour ahead, and was set right since, holds nothing up for that hour."""
    job, claim = queued(store), running(store)
    ahead = int(time.time() * 1000) + HOUR
    redis = store._client
    redis.hset(f"{PREFIX}job:{job.id}", "published_at", ahead)
    redis.hset(f"{PREFIX}job:{claim.job_id}", "lease_until", ahead + int(LEASE * 1000))
    assert store.lock("reconciler", "me", LEASE)
    redis.pexpire(f"{PREFIX}lock:reconciler", HOUR)

    due = store.due(60)
    assert ([one.id for one in due.unpublished], due.lost) == ([job.id], [])
    lease_until = int(redis.hget(f"{PREFIX}job:{claim.job_id}", "lease_until") or 0)
    assert lease_until <= time.time() * 1000 + LEASE * 1000
    assert store.lock("reconciler", "you", LEASE)


def test_purge(store: FullStore) -> None:
    """Old finished jobs go, once their artifacts are gone, and leave nothing; unfinished and younger ones stay."""
    claim, waits = running(store), queued(store)
    store.report(claim.job_id, claim.fence, progress(1), entry(1))
    store.finish(claim.job_id, claim.fence, JobStatus.SUCCEEDED, {"test_accuracy": 0.9})
    assert store.purge(60, lambda *_: True) == []
    removed: list[object] = []

    def remove(job_id: str, registered: bool) -> bool:
        removed.append((job_id, registered))
        return True

    assert store.purge(0, remove) == [claim.job_id]
    assert removed == [(claim.job_id, False)]
    assert list(store._client.scan_iter(f"*{claim.job_id}*")) == []
    assert [job.id for job in store.list().jobs] == [waits.id]
    assert store.run(figures.read()).jobs == dict.fromkeys(JobStatus, 0) | {JobStatus.QUEUED: 1}


def test_purge_is_found_again(store: FullStore) -> None:
    """A job whose artifacts could not be removed keeps its record, so that the next purge finds it, and others go."""
    stuck, other = (store.cancel(queued(store).id) for _ in range(2))
    assert store.purge(0, lambda job_id, _: job_id != stuck.id) == [other.id]
    assert store.list().jobs == [stuck]
    assert store.purge(0, lambda *_: True) == [stuck.id]
    assert store.list().jobs == []


def test_purge_spares_an_unfinished_job(store: FullStore) -> None:
    """A job that waits keeps its record and its artifacts, and holds up no other, though an index calls it finished."""
    waits, over = queued(store), store.cancel(queued(store).id)
    store._client.zadd(f"{PREFIX}finished", {waits.id: 1})
    removed: list[str] = []
    assert store.purge(0, lambda job_id, _: not removed.append(job_id)) == [over.id]
    assert removed == [over.id]


def test_unfinished_jobs_are_not_deleted(store: FullStore) -> None:
    """A job that waits or runs cannot be deleted."""
    with pytest.raises(NotFinished):
        store.delete(queued(store).id)


def test_a_stuck_job_beside_a_damaged_one(store: FullStore) -> None:
    """A process whose cancelled job does not end is killed, whatever the record of another job has as its owner."""
    child = billiard.get_context("spawn").Process(target=time.sleep, args=(600,))
    child.start()
    owners = {"job_1": f"{socket.gethostname()}:{child.pid}:token", "job_2": "nobody"}  # the newest comes first
    for job_id, owner in owners.items():
        queued(store, job_id)
        assert store.claim(job_id, owner, LEASE)
        store.cancel(job_id)
    watch = StuckWatch(store)
    watch._seen = dict.fromkeys(owners, time.monotonic() - 60)
    try:
        watch.look()
        child.join(10)
        assert child.exitcode == -signal.SIGKILL
    finally:
        child.terminate()
    assert store.get("job_1").status is JobStatus.CANCELLED
