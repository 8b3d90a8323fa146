from bestguess.schemas.jobs import JobStatus, Progress
from jobs import figures
from jobs.figures import Figures
from jobs.records import Claim, Origin
from support.job_store import outcome, progress, queued, running
from support.redis_server import LiveRedis
from support.stores import FullStore
from support.waiting import wait_until
from worker.heartbeat import Heartbeat


def read(store: FullStore) -> Figures:
    """Read the figures."""
    return store.run(figures.read())


def test_nothing_yet(store: FullStore) -> None:
    """A Redis with nothing in it has figures: all of them nought."""
    found = read(store)
    assert found.jobs == dict.fromkeys(JobStatus, 0)
    assert (found.workers, found.models, found.images, found.retried, found.finished) == (0, 0, 0, 0, {})
    assert (found.images_per_second, found.oldest_queued_seconds) == (0, 0)
    assert [count for _, count in found.waited.buckets] == [0] * 11
    assert found.waited.buckets[-1][0] == "+Inf"


def test_jobs_are_counted(twice: FullStore, store: FullStore) -> None:
    """Each job is counted by its status now, and by how it ended for ever; a call that is sent twice counts once."""
    queued(twice)
    claim = running(twice)
    twice.finish(claim.job_id, claim.fence, JobStatus.SUCCEEDED, outcome(claim.job_id))
    twice.cancel(queued(twice).id)
    found = read(store)  # once: the age of what waits is another each time
    assert found.jobs == dict.fromkeys(JobStatus, 0) | {
        JobStatus.QUEUED: 1,
        JobStatus.SUCCEEDED: 1,
        JobStatus.CANCELLED: 1,
    }
    assert found.finished == {("mnist-train", "succeeded"): 1, ("mnist-train", "cancelled"): 1}
    assert (found.waited.buckets[-1][1], found.taken.buckets[-1][1]) == (1, 1)  # one never began
    assert found.models == 1
    twice.delete(claim.job_id)
    assert read(store).finished["mnist-train", "succeeded"] == 1


def test_times_in_the_queue(store: FullStore, server: LiveRedis) -> None:
    """The wait of a job is from when it was queued, or given back, until a worker has it, and stands in its claim."""
    job_id = queued(store).id
    with server.client() as client:
        client.hincrby(f"bestguess:job:{job_id}", "created_at", -7000)
    assert 7 <= read(store).oldest_queued_seconds < 60
    claim = store.claim(job_id, "worker", 60)
    assert claim is not None
    assert 7 <= claim.waited_seconds < 60
    found = read(store)
    assert found.oldest_queued_seconds == 0
    assert dict(found.waited.buckets)["5"] == 0
    assert dict(found.waited.buckets)["60"] == dict(found.waited.buckets)["+Inf"] == 1
    assert found.waited.seconds == claim.waited_seconds
    store.release(job_id, claim.fence)
    again = store.claim(job_id, "another", 60)
    assert again is not None
    assert again.waited_seconds < 7
    assert read(store).retried == 1


def test_images(twice: FullStore) -> None:
    """Images that were learned from are counted once, also where a resumed training goes over some steps again."""
    job = twice.create("mnist-train", {"steps": 10, "batch_size": 20}, job_id="job_a", most_queued=10)
    claim = twice.claim(job.id, "worker", 60)
    assert isinstance(claim, Claim)
    for step in (0, 3, 2, 5):
        twice.report(job.id, claim.fence, Progress(step=step, total_steps=10, images_per_second=120.5))
    assert read(twice).images == 100
    assert read(twice).images_per_second == 120.5
    other = running(twice)
    twice.report(other.job_id, other.fence, progress(4))  # of a kind that says nothing of batches, and has no pace yet
    assert (read(twice).images, read(twice).images_per_second) == (100, 120.5)
    twice.finish(job.id, claim.fence, JobStatus.CANCELLED)
    assert read(twice).images_per_second == 0


def test_workers(store: FullStore, server: LiveRedis) -> None:
    """A worker is counted while it gives signs of life: not after it has left, nor when it has been silent."""
    first, second = Heartbeat(store, every=0.05), Heartbeat(store, every=0.05)
    first.start()
    second.start()
    wait_until(lambda: read(store).workers == 2, 10)
    first.stop()
    assert read(store).workers == 1
    second.stop()
    store.run(figures.beat("silent", 0.001))
    wait_until(lambda: read(store).workers == 0, 10)
    with server.client() as client:
        client.config_set("maxmemory", 1)
        try:
            store.run(figures.beat("in a full Redis", 60))
        finally:
            client.config_set("maxmemory", 0)
    assert read(store).workers == 1


def test_where_a_job_comes_from(twice: FullStore) -> None:
    """Who claims a job is told the request that made it, in each attempt; a job may have come from none."""
    origin = Origin(request_id="abc", traceparent="00-1-2-01")
    twice.create("mnist-train", {}, job_id="job_b", most_queued=10, origin=origin)
    claim = twice.claim("job_b", "worker", 60)
    assert claim is not None
    assert claim.origin == origin
    twice.release("job_b", claim.fence)
    again = twice.claim("job_b", "another", 60)
    assert again is not None
    assert again.origin == origin
    assert running(twice).origin == Origin()
