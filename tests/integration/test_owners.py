"""Whose jobs and models are, in the store: every test with two owners and the anonymous one."""

import pytest

from bestguess.schemas.jobs import Job, JobStatus
from jobs.errors import IdempotencyConflict, JobNotFound, ModelNotFound, QuotaReached
from jobs.ids import new_job_id
from jobs.owners import ANONYMOUS, EVERYBODY
from support.job_store import LEASE, now, outcome
from support.redis_server import LiveRedis
from support.stores import FullRegistry, FullStore, TwiceStore
from support.waiting import wait_until


def made(store: FullStore, owner: str, quota: int = 0, key: str | None = None, digest: str = "d") -> Job:
    """Queue a job of an owner."""
    idempotency = (key, digest) if key else None
    params = {"steps": 10}
    return store.create(
        "mnist-train", params, job_id=new_job_id(), idempotency=idempotency, most_queued=99, owner=owner, quota=quota
    )


def finished(store: FullStore, owner: str, accuracy: float = 0.9) -> str:
    """Let a job of an owner succeed, and return its model's id."""
    job_id = made(store, owner).id
    claim = store.claim(job_id, "worker", LEASE)
    assert claim is not None
    job = store.finish(job_id, claim.fence, JobStatus.SUCCEEDED, outcome(job_id, accuracy))
    wait_until(lambda: job.finished_at and now(store) > job.finished_at, 1)  # within a millisecond ids have no order
    return job_id


def ids(store: FullStore, whose: str, status: JobStatus | None = None, after: str | None = None) -> list[str]:
    """List jobs, the newest first, a page of two at a time."""
    page = store.list(status, 2, after, whose)
    found = [job.id for job in page.jobs]
    return found + ids(store, whose, status, found[-1]) if page.has_more else found


def test_another_owners_job_is_not_there(store: FullStore) -> None:
    """Who asks for another's job hears what who asks for none hears, and cannot cancel it."""
    job = made(store, "ann")
    for call in (store.read, store.cancel):
        assert call(job.id, "ann").id == call(job.id, EVERYBODY).id == job.id
        for stranger in ("bob", ANONYMOUS):
            with pytest.raises(JobNotFound):
                call(job.id, stranger)
    with pytest.raises(JobNotFound):
        store.events(job.id, whose="bob")
    assert store.events(job.id, whose="ann").events


def test_lists(store: FullStore) -> None:
    """Each owner's list has that owner's jobs, in any state and page by page; everybody's has all."""
    owners = ["ann", "bob", ANONYMOUS] * 3
    jobs = [(owner, made(store, owner).id) for owner in owners]
    done = jobs[0][1]
    store.cancel(done)
    for owner in set(owners):
        mine = [job_id for whose, job_id in jobs if whose == owner]
        assert sorted(ids(store, owner)) == sorted(mine)
        assert sorted(ids(store, owner, JobStatus.QUEUED)) == sorted(set(mine) - {done})
        assert ids(store, owner, JobStatus.CANCELLED) == [done] * (owner == "ann")
    assert len(ids(store, EVERYBODY)) == len(jobs)
    assert ids(store, "nobody") == []
    store.delete(done)
    assert done not in ids(store, "ann")


def test_a_retry_keeps_the_owner(twice: TwiceStore) -> None:
    """A job that is given back, taken over and finished is still its owner's, and so is its model."""
    store, job_id = twice, made(twice, "ann").id
    for owner in ("first", "second"):
        claim = store.claim(job_id, owner, LEASE)
        assert claim is not None
        assert ids(store, "ann", JobStatus.RUNNING) == [job_id]
        store.release(job_id, claim.fence)
        assert ids(store, "ann", JobStatus.QUEUED) == [job_id]
    claim = store.claim(job_id, "third", LEASE)
    assert claim is not None
    store.finish(job_id, claim.fence, JobStatus.SUCCEEDED, outcome(job_id))
    assert ids(store, "ann", JobStatus.SUCCEEDED) == [job_id]
    assert FullRegistry(store).get(job_id, "ann").owner == "ann"


def test_models(store: FullStore) -> None:
    """`latest`, `best`, other aliases and ids mean an owner's own models only; everybody's are all."""
    registry = FullRegistry(store)
    good, bad, other = (finished(store, *one) for one in (("ann", 0.8), ("ann", 0.5), ("bob", 0.99)))
    registry.set_alias("production", other)
    assert [registry.get(name, "ann").id for name in ("latest", "best", bad)] == [bad, good, bad]
    assert [registry.get(name, "bob").id for name in ("latest", "best", "production")] == [other] * 3
    assert registry.get("best").id == other
    assert registry.aliases("ann") == {"latest": bad, "best": good}
    assert registry.aliases("bob") == {"latest": other, "best": other, "production": other}
    assert [model.id for model in registry.list("test_accuracy", "ann")] == [good, bad]
    for name in (other, "production"):
        with pytest.raises(ModelNotFound):
            registry.get(name, "ann")
    for name in ("latest", good):
        with pytest.raises(ModelNotFound):
            registry.get(name, ANONYMOUS)
    assert registry.remove(other)
    assert registry.aliases("bob") == {}
    assert registry.get("best").id == good


def test_one_owner_does_not_crowd_another_out(store: FullStore) -> None:
    """So many of the newest models are kept of each owner, and each one's best."""
    registry = FullRegistry(store)
    best = finished(store, "ann", 0.9)
    surplus = finished(store, "ann", 0.1)
    newest = finished(store, "ann", 0.2)
    others = [finished(store, "bob", 0.99) for _ in range(3)]
    assert [model.id for model in registry.surplus(1)] == [surplus, *others[:2]]
    for model_id in (best, newest):
        assert not registry.remove(model_id, unnamed=True)
    assert registry.remove(surplus, unnamed=True)


def test_quota(store: FullStore) -> None:
    """An owner with so many unfinished jobs gets no more until one has finished; others are not affected."""
    first = made(store, "ann", 2)
    claim = store.claim(first.id, "worker", LEASE)
    assert claim is not None
    made(store, "ann", 2)
    with pytest.raises(QuotaReached, match="2 unfinished jobs"):
        made(store, "ann", 2)
    made(store, "bob", 2)
    store.cancel(first.id)
    with pytest.raises(QuotaReached):  # it is still `cancelling`
        made(store, "ann", 2)
    store.release(first.id, claim.fence)
    made(store, "ann", 2)


def test_idempotency_keys_are_an_owners_own(store: FullStore) -> None:
    """The same key from two owners makes two jobs, and says nothing of the other's."""
    mine, theirs = made(store, "ann", key="k"), made(store, "bob", key="k", digest="other")
    assert mine.id != theirs.id
    assert made(store, "ann", key="k").id == mine.id
    with pytest.raises(IdempotencyConflict):
        made(store, "ann", key="k", digest="other")


def test_nothing_of_a_job_is_left(server: LiveRedis, store: FullStore) -> None:
    """A deleted job and its removed model leave no trace in any owner's list."""
    job_id = finished(store, "ann")
    store.delete(job_id)
    FullRegistry(store).remove(job_id)
    with server.client() as client:
        assert client.keys("bestguess:owner:*") == []
