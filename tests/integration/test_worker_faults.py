import os
import signal

from bestguess.schemas.jobs import JobStatus
from jobs.queue import MNIST_TRAIN, QUEUE_KEY, TASKS, publish
from jobs.store import PREFIX
from support.worker_processes import LONG, MEDIUM, SHORT, Workplace, assert_whole, timed

DONE = JobStatus.SUCCEEDED


def test_two_deliveries(place: Workplace) -> None:
    """A job that is delivered twice, to two workers, is trained once."""
    place.start()
    place.start()
    job_id = place.submit(**SHORT)
    publish(place.queue, MNIST_TRAIN, job_id)
    job = place.wait(job_id, DONE)
    assert job.attempt == 1
    assert [event.type for event in place.store.events(job_id, limit=1000).events].count("started") == 1


def test_redis_is_killed(place: Workplace) -> None:
    """When Redis is killed and started again, the running and the queued job both finish."""
    place.start()
    running = place.submit(**MEDIUM)
    queued = place.submit(**SHORT)
    place.steps(running, 20)
    place.redis.kill()
    place.redis.start()
    assert_whole(place.wait(running, DONE), 240)
    assert_whole(place.wait(queued, DONE), 60)
    assert place.job(running).attempt == 1


def test_cancel_of_a_stuck_job(place: Workplace) -> None:
    """A job whose process does not react at all is killed within ten seconds, and the next one is not hit."""
    place.start()
    job_id = place.submit(**LONG)
    place.steps(job_id, 10)
    after = place.submit(**SHORT)
    os.kill(place.trainer(job_id), signal.SIGSTOP)
    place.store.cancel(job_id)
    with timed(10):
        place.wait(job_id, JobStatus.CANCELLED)
    assert_whole(place.wait(after, DONE), 60)
    assert place.job(after).attempt == 1


def test_messages_that_are_not_ours(place: Workplace) -> None:
    """What is no message, an unknown task or argument, or the job of a damaged record does not hold up the next job."""
    damaged = place.submit(**SHORT)
    with place.redis.client() as client:
        client.hset(f"{PREFIX}job:{damaged}", "status", "dreaming")
        client.lpush(QUEUE_KEY, "no message", "[]", '{"headers": {}, "body": 5}')
    for task, arguments in (
        ("bestguess.unheard_of", ("a",)),
        (TASKS[MNIST_TRAIN], ()),
        (TASKS[MNIST_TRAIN], ({"a": 1},)),
    ):
        place.queue.send_task(task, arguments)
    job_id = place.submit(**SHORT)
    worker = place.start()
    assert_whole(place.wait(job_id, DONE), 60)
    assert worker.poll() is None
