import pytest

from bestguess.schemas.jobs import JobError, JobStatus
from jobs.errors import (
    AlreadyFinished,
    IdempotencyConflict,
    InvalidCursor,
    JobNotFound,
    LeaseLost,
    QueueFull,
)
from jobs.ids import new_job_id
from support.job_store import BRIEF, LEASE, distant, entry, outcome, progress, queued, running, types
from support.stores import FullStore
from support.waiting import wait_until


def test_a_job_lives(store: FullStore) -> None:
    """A job is queued, runs, reports, and ends with its result, its history and every event in order."""
    job = queued(store)
    assert (job.status, job.params, job.attempt, job.started_at) == ("queued", {"steps": 10}, 0, None)
    claim = store.claim(job.id, "worker", LEASE)
    assert claim is not None
    assert (claim.job_id, claim.attempt, claim.params) == (job.id, 1, {"steps": 10})
    assert store.report(job.id, claim.fence, progress(5), entry(5)) == "running"
    assert store.renew(job.id, claim.fence, LEASE) == "running"
    done = store.finish(job.id, claim.fence, JobStatus.SUCCEEDED, {"test_accuracy": 0.9})
    assert done == store.get(job.id)
    assert (done.status, done.result, done.error) == ("succeeded", {"test_accuracy": 0.9}, None)
    assert (done.progress, done.history) == (progress(5), [entry(5)])
    assert done.started_at is not None
    assert done.finished_at is not None
    assert job.created_at <= done.started_at <= done.finished_at
    assert types(store, job.id) == ["created", "started", "progress", "succeeded"]


def test_failure(store: FullStore) -> None:
    """A job that fails says why, in its record and in its event."""
    claim, error = running(store), JobError(code="dataset-unavailable", detail='set "BESTGUESS_MNIST"')
    failed = store.finish(claim.job_id, claim.fence, JobStatus.FAILED, error=error)
    assert (failed.status, failed.error, failed.result) == ("failed", error, None)
    assert store.events(claim.job_id).events[-1].data == {"error": error.model_dump()}


def test_an_end_is_an_end(store: FullStore) -> None:
    """A job cannot be ended as something that is no end."""
    claim = running(store)
    with pytest.raises(ValueError, match="running"):
        store.finish(claim.job_id, claim.fence, JobStatus.RUNNING)


def test_unknown_job(store: FullStore) -> None:
    """A job that never was is not found, and cannot be claimed or kept."""
    for call in (store.get, store.cancel, store.events, store.take_back):
        with pytest.raises(JobNotFound):
            call("job_x")
    assert store.claim("job_x", "worker", LEASE) is None
    with pytest.raises(LeaseLost):
        store.renew("job_x", 1, LEASE)
    store.delete("job_x")
    store.mark_published("job_x")


def test_same_key_same_job(store: FullStore) -> None:
    """A key and a body give one job, another body with that key is refused, and other keys give other jobs."""

    def made(key: str, body: str) -> str:
        return store.create("k", {}, job_id=new_job_id(), idempotency=(key, body), most_queued=10).id

    first = made("key", "body")
    assert made("key", "body") == first
    assert made("other", "body") != first
    with pytest.raises(IdempotencyConflict) as refused:
        made("key", "another body")
    assert refused.value.job_id == first


def test_key_is_forgotten_with_its_job(store: FullStore) -> None:
    """A key whose job was removed makes a new one, and a key does not stay for longer than a day."""
    first = store.create("k", {}, job_id=new_job_id(), idempotency=("key", "a"), most_queued=10)
    keys = list(store._client.scan_iter("*idempotency*"))
    assert [86_000_000 < store._client.pttl(key) <= 86_400_000 for key in keys] == [True]
    store.cancel(first.id)
    store.delete(first.id)
    assert store.create("k", {}, job_id=new_job_id(), idempotency=("key", "b"), most_queued=10).id != first.id


def test_queue_is_bounded(store: FullStore) -> None:
    """When as many jobs wait as may, the next is refused, and one that runs leaves room."""
    job = queued(store, most_queued=1)
    with pytest.raises(QueueFull) as refused:
        queued(store, most_queued=1)
    assert refused.value.limit == 1
    store.claim(job.id, "worker", LEASE)
    queued(store, most_queued=1)


def test_only_queued_jobs_are_claimed(store: FullStore) -> None:
    """A job that another runs, or that is finished, is not to be had."""
    claim = running(store)
    assert store.claim(claim.job_id, "second", LEASE) is None
    store.finish(claim.job_id, claim.fence, JobStatus.SUCCEEDED, {})
    assert store.claim(claim.job_id, "second", LEASE) is None


def test_history_goes_forward(store: FullStore) -> None:
    """A training that was resumed repeats no step: neither in the history nor in the progress nor in the events."""
    claim = running(store, BRIEF)
    for step in (2, 4):
        store.report(claim.job_id, claim.fence, progress(step), entry(step))
    second = wait_until(lambda: store.claim(claim.job_id, "second", LEASE), 5)
    for step in (3, 4, 5):
        store.report(claim.job_id, second.fence, progress(step), entry(step))
    assert [one.step for one in store.get(claim.job_id).history] == [2, 4, 5]
    steps = [event.data["step"] for event in store.events(claim.job_id).events if event.type == "progress"]
    assert steps == [2, 4, 5]


def test_cancel_a_queued_job(store: FullStore) -> None:
    """A queued job that is cancelled has ended, and no worker gets it."""
    job = queued(store)
    assert store.cancel(job.id).status == "cancelled"
    assert store.claim(job.id, "worker", LEASE) is None
    assert types(store, job.id) == ["created", "cancelled"]


@pytest.mark.parametrize("end", [JobStatus.SUCCEEDED, JobStatus.FAILED, JobStatus.CANCELLED])
def test_cancel_a_running_job(store: FullStore, end: JobStatus) -> None:
    """A running job that is cancelled tells its worker so, and ends as cancelled whatever its worker says."""
    claim = running(store)
    assert store.cancel(claim.job_id).status == "cancelling"
    assert store.renew(claim.job_id, claim.fence, LEASE) == "cancelling"
    assert store.report(claim.job_id, claim.fence, progress(1)) == "cancelling"
    ended = store.finish(claim.job_id, claim.fence, end, outcome(claim.job_id))
    assert (ended.status, ended.result) == ("cancelled", None)
    assert types(store, claim.job_id) == ["created", "started", "cancelling", "progress", "cancelled"]


def test_too_late_to_cancel(store: FullStore) -> None:
    """A job that has succeeded stays so."""
    claim = running(store)
    store.finish(claim.job_id, claim.fence, JobStatus.SUCCEEDED, {})
    with pytest.raises(AlreadyFinished) as refused:
        store.cancel(claim.job_id)
    assert refused.value.status == "succeeded"


def test_release(store: FullStore) -> None:
    """A job that its worker gives back is queued and due at once, and its next attempt counts no crash."""
    claim = running(store)
    assert store.release(claim.job_id, claim.fence) == "queued"
    assert [job.id for job in store.due(1000).unpublished] == [claim.job_id]
    again = store.claim(claim.job_id, "second", LEASE)
    assert again is not None
    assert again.attempt == 2
    assert types(store, claim.job_id) == ["created", "started", "retried", "started"]


def test_release_while_cancelling(store: FullStore) -> None:
    """A job that was to be cancelled and is given back is cancelled."""
    claim = running(store)
    store.cancel(claim.job_id)
    assert store.release(claim.job_id, claim.fence) == "cancelled"


def test_list(store: FullStore) -> None:
    """Jobs are listed newest first, page by page, each once, also those made in the same millisecond."""
    made = [queued(store).id for _ in range(25)]
    store.cancel(made[3])
    seen: list[str] = []
    after, has_more = None, True
    while has_more:
        jobs, has_more, _ = store.list(limit=4, after=after)
        seen += [job.id for job in jobs]
        after = seen[-1]
    assert seen == sorted(made, key=lambda job_id: (store.get(job_id).created_at, job_id), reverse=True)
    assert [job.id for job in store.list(JobStatus.CANCELLED).jobs] == [made[3]]
    assert len(store.list(JobStatus.QUEUED, limit=100).jobs) == 24


def test_list_goes_on_where_a_job_was(store: FullStore) -> None:
    """A page follows a job that has left the list: by its new status, or for good."""
    made = [distant(store).id for _ in range(3)]
    store.cancel(made[1])
    assert [job.id for job in store.list(JobStatus.QUEUED, after=made[1]).jobs] == made[:1]
    store.delete(made[1])
    assert [job.id for job in store.list(after=made[1]).jobs] == made[:1]


def test_events_in_pages(store: FullStore) -> None:
    """Events are read page by page, ascending, each once, and the last page says that the job is finished."""
    claim = running(store)
    store.finish(claim.job_id, claim.fence, JobStatus.SUCCEEDED, {})
    first = store.events(claim.job_id, limit=2)
    assert ([event.type for event in first.events], first.has_more) == (["created", "started"], True)
    last = store.events(claim.job_id, after=first.events[-1].id, limit=2)
    assert ([event.type for event in last.events], last.has_more, last.finished) == (["succeeded"], False, True)
    with pytest.raises(InvalidCursor):
        store.events(claim.job_id, after="yesterday")


def test_events_are_bounded(store: FullStore) -> None:
    """A job keeps its newest ten thousand events, about, and as many entries of its history."""
    claim = running(store)
    for step in range(10_300):
        store.report(claim.job_id, claim.fence, progress(step), entry(step))
    assert 10_000 <= store._client.xlen(f"bestguess:job:{claim.job_id}:events") < 10_250
    history = store.get(claim.job_id).history
    assert [len(history), history[-1].step] == [10_000, 10_299]
