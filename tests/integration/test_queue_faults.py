import json
from collections.abc import Iterator
from contextlib import closing

import pytest
from kombu import Message, Queue

from bestguess.schemas.jobs import JobStatus
from jobs import queue
from jobs.errors import StoreUnavailable
from jobs.store import PREFIX
from support.job_store import BRIEF, PROMISE, running, timed
from support.redis_server import LiveRedis, live_redis
from support.stores import FullStore
from support.waiting import wait_until
from support.worker_processes import BUSY, older
from worker.children import JobRequest
from worker.messages import Transport
from worker.reconciler import LOCK, Reconciler


@pytest.fixture
def server() -> Iterator[LiveRedis]:
    """A server for each test."""
    with live_redis() as server:
        yield server


def test_publish(server: LiveRedis) -> None:
    """A message is in the queue until somebody takes it, in the jobs' database under keys of its own."""
    with closing(queue.celery_app(server.url)) as app, server.client() as client:
        client.flushall()
        queue.publish(app, queue.MNIST_TRAIN, "job_1")
        queue.publish(app, queue.FINETUNE, "job_2")
        assert queue.waiting(app) == {"job_1", "job_2"}
        assert all(key.startswith(queue.KEY_PREFIX) for key in client.scan_iter())


def test_the_last_database(server: LiveRedis) -> None:
    """The last database of a Redis, as the only one, is enough for jobs and their messages."""
    url = f"{server.url}?db=15"
    with closing(queue.celery_app(url)) as app, FullStore(url) as store:
        store.create(queue.MNIST_TRAIN, {}, job_id="job_1", most_queued=10)
        queue.publish(app, queue.MNIST_TRAIN, "job_1")
        assert queue.waiting(app) == {"job_1"}


def test_an_older_worker(server: LiveRedis) -> None:
    """A job that is published where an older worker does not listen is published again where it does."""
    new, old = queue.celery_app(server.url), older(server)
    with closing(new), closing(old), FullStore(server.url) as store, server.client() as client:
        job = store.create(queue.MNIST_TRAIN, {}, job_id="job_1", most_queued=10)
        queue.publish(new, queue.MNIST_TRAIN, job.id)
        assert queue.waiting(old) == set()
        client.hset(f"{PREFIX}job:{job.id}", "published_at", 0)  # long ago
        Reconciler(store, old).look()
        assert queue.waiting(old) == {job.id}


def test_publish_in_trouble(server: LiveRedis) -> None:
    """Publishing to a hung, full or dead Redis says so in time, and works again afterwards."""
    with closing(queue.celery_app(server.url, timeout_seconds=2)) as app, server.client() as client:
        queue.publish(app, queue.MNIST_TRAIN, "job_1")
        with server.hung(), timed() as seconds, pytest.raises(StoreUnavailable):
            queue.publish(app, queue.MNIST_TRAIN, "job_2")
        assert seconds() < PROMISE + BUSY
        client.config_set("maxmemory", 1)
        with pytest.raises(StoreUnavailable):
            queue.publish(app, queue.MNIST_TRAIN, "job_3")
        client.config_set("maxmemory", 0)
        server.kill()
        with timed() as seconds, pytest.raises(StoreUnavailable):
            queue.publish(app, queue.MNIST_TRAIN, "job_4")
        assert seconds() < PROMISE  # no time-out is waited for
        server.start()
        queue.publish(app, queue.MNIST_TRAIN, "job_5")
        assert "job_5" in queue.waiting(app)


def test_leases_that_ran_out_while_redis_was_away(server: LiveRedis) -> None:
    """A worker has a moment to renew a lease that ran out while Redis was away, before its job is taken back."""
    with closing(queue.celery_app(server.url)) as app, FullStore(server.url) as store:
        reconciler = Reconciler(store, app)
        claim = running(store, BRIEF)
        server.kill()
        with pytest.raises(StoreUnavailable):
            reconciler.look()
        server.start()
        reconciler.look()
        assert store.renew(claim.job_id, claim.fence, BRIEF) is JobStatus.RUNNING
        wait_until(lambda: store.due(60).lost, 5)
        store.unlock(LOCK, reconciler._owner)
        Reconciler(store, app).look()
        assert store.get(claim.job_id).status is JobStatus.QUEUED


def test_what_a_worker_that_died_has_left(server: LiveRedis) -> None:
    """Messages without acknowledgement go back to the queue; what is none among them is dropped, and ends no worker."""
    with closing(queue.celery_app(server.url)) as app, server.client() as client:
        queue.publish(app, queue.MNIST_TRAIN, "job_1")
        message = json.loads(client.rpop(queue.QUEUE_KEY) or "")
        left = {"1": "{", "2": "[]", "3": "5", "4": json.dumps([message, "", queue.QUEUE])}
        client.hset(f"{queue.KEY_PREFIX}unacked", mapping=left)
        client.zadd(f"{queue.KEY_PREFIX}unacked_index", dict.fromkeys(left, 0))
        with app.connection_for_read() as connection:
            connection.transport_cls = Transport  # as a worker's
            connection.default_channel.qos.restore_visible()
        assert queue.waiting(app) == {"job_1"}
        assert not client.exists(f"{queue.KEY_PREFIX}unacked", f"{queue.KEY_PREFIX}unacked_index")


def test_a_message_that_no_task_can_be_made_of(server: LiveRedis) -> None:
    """A message whose reader fails is dropped, and does not keep a worker, which takes one at a time, from the next."""
    taken: list[str] = []

    def take(message: Message) -> None:
        taken.append(message.headers["id"])
        if taken == ["job_1"]:
            raise KeyError("timelimit")

    with closing(queue.celery_app(server.url)) as app, server.client() as client:
        for job_id in ("job_1", "job_2"):
            queue.publish(app, queue.MNIST_TRAIN, job_id)
        with app.connection_for_read() as connection:
            connection.transport_cls = Transport  # as a worker's
            connection.default_channel.basic_qos(0, 1, apply_global=False)
            with connection.Consumer(Queue(queue.QUEUE), on_message=take, accept=["json"]):
                connection.drain_events(timeout=5)
            assert taken == ["job_1", "job_2"]
            assert client.hlen(f"{queue.KEY_PREFIX}unacked") == 1


@pytest.mark.parametrize("limits", [5, [1], "none"])
def test_a_message_with_odd_time_limits(server: LiveRedis, limits: object) -> None:
    """Time limits in a message, which none of ours has, are ignored: odd ones would keep a worker from the next job."""
    with closing(queue.celery_app(server.url)) as app, app.connection_for_read() as connection:
        body, headers = ((), {}, {}), {"id": "job_1", "task": "t", "timelimit": limits}
        message = Message(channel=connection.default_channel, headers=headers)
        request = JobRequest(message, app=app, task=app.tasks["celery.backend_cleanup"], body=body, decoded=True)
        assert request.time_limits == (None, None)
