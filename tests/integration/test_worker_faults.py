import os
import signal

from waiting import wait_until
from workers import LONG, MEDIUM, SHORT, Workplace, assert_whole, kill, timed

from jobs.model import JobStatus
from jobs.queue import MNIST_TRAIN, publish

DONE = JobStatus.SUCCEEDED


def test_the_training_process_is_killed(place: Workplace) -> None:
    """After kill -9 of the process that trains, the job goes on from its checkpoint: one result, steps only forward."""
    place.start()
    job_id = place.submit(**MEDIUM | {"steps": 800})
    place.checkpoint(job_id)
    before = place.job(job_id)
    os.kill(place.trainer(job_id), signal.SIGKILL)
    job = place.wait(job_id, DONE, seconds=120)
    assert_whole(job, 800)
    assert job.attempt == 2
    assert [entry.step for entry in job.history] == list(range(20, 801, 20))
    assert before.history == job.history[: len(before.history)]
    assert "retried" in [event.type for event in place.store.events(job_id, limit=1000).events]


def test_the_whole_worker_is_killed(place: Workplace) -> None:
    """After kill -9 of the whole worker, the next one goes on within 30 s of being there."""
    worker = place.start()
    job_id = place.submit(**MEDIUM | {"steps": 800})
    place.checkpoint(job_id)
    kill(worker)
    place.start()
    wait_until(lambda: place.job(job_id).attempt == 2, 30 + 10)  # and the seconds in which a worker starts
    assert_whole(place.wait(job_id, DONE, seconds=90), 800)


def test_two_deliveries(place: Workplace) -> None:
    """A job that is delivered twice, to two workers, is trained once."""
    place.start()
    place.start()
    job_id = place.submit(**MEDIUM)
    publish(place.queue, MNIST_TRAIN, job_id)
    job = place.wait(job_id, DONE)
    assert job.attempt == 1
    assert [event.type for event in place.store.events(job_id, limit=1000).events].count("started") == 1


def test_a_worker_dies_before_it_has_taken_the_message(place: Workplace) -> None:
    """A worker that hangs and is killed while jobs are queued loses none: all run within 60 s of another's start."""
    worker = place.start()
    place.wait(place.submit(**SHORT), DONE)
    os.killpg(worker.pid, signal.SIGSTOP)
    jobs = [place.submit(**SHORT) for _ in range(2)]
    kill(worker)
    place.start()
    for job_id in jobs:
        assert_whole(place.wait(job_id, DONE, seconds=90), 60)


def test_a_lost_message(place: Workplace) -> None:
    """A job whose message Redis lost is found and run."""
    job_id = place.submit(**SHORT)
    with place.redis.client() as client:
        client.select(1)
        client.flushdb()
    place.start()
    assert_whole(place.wait(job_id, DONE, seconds=90), 60)


def test_a_worker_is_told_to_stop(place: Workplace) -> None:
    """At SIGTERM a worker gives its job back and leaves; another goes on with it, which counts as no crash."""
    worker = place.start()
    job_id = place.submit(**MEDIUM | {"steps": 800})
    place.checkpoint(job_id)
    with timed(20):
        os.kill(worker.pid, signal.SIGTERM)
        worker.wait(20)
    assert place.job(job_id).status is JobStatus.QUEUED
    place.start()
    assert_whole(place.wait(job_id, DONE, seconds=90), 800)


def test_redis_is_killed(place: Workplace) -> None:
    """When Redis is killed and started again, the running and the queued job both finish."""
    place.start()
    running = place.submit(**MEDIUM | {"steps": 800})
    queued = place.submit(**SHORT)
    place.steps(running, 20)
    place.redis.kill()
    place.redis.start()
    assert_whole(place.wait(running, DONE, seconds=120), 800)
    assert_whole(place.wait(queued, DONE, seconds=90), 60)
    assert place.job(running).attempt == 1


def test_cancel_of_a_stuck_job(place: Workplace) -> None:
    """A job whose process does not react at all is killed within ten seconds, and the next one is not hit."""
    place.start()
    job_id = place.submit(**LONG)
    place.steps(job_id, 10)
    after = place.submit(**SHORT)
    os.kill(place.trainer(job_id), signal.SIGSTOP)
    place.store.cancel(job_id)
    with timed(12):  # ten are promised; two for this machine
        place.wait(job_id, JobStatus.CANCELLED)
    assert_whole(place.wait(after, DONE), 60)
    assert place.job(after).attempt == 1
