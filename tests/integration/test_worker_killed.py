import os
import signal
from contextlib import closing

import psutil

from bestguess.schemas.jobs import JobStatus
from support.waiting import wait_until
from support.worker_processes import LONG, SHORT, START, Workplace, assert_whole, kill, older, timed

DONE = JobStatus.SUCCEEDED
STEADY = LONG | {"report_every": 20}


def end_soon(place: Workplace, job_id: str) -> int:
    """Let a job that nobody runs end a few reports after what it has done; return the steps it then has."""
    steps = place.job(job_id).progress.step // 20 * 20 + 100
    place.shorten(job_id, steps=steps)
    return steps


def test_the_training_process_is_killed(place: Workplace) -> None:
    """After kill -9 of the process that trains, the job goes on from its checkpoint: one result, steps only forward."""
    place.start()
    job_id = place.submit(**STEADY)
    place.checkpoint(job_id)
    before = place.job(job_id)
    trainer = psutil.Process(place.trainer(job_id))
    trainer.kill()
    trainer.wait(60)  # after that nobody renews the lease
    steps = end_soon(place, job_id)
    place.run_out(job_id)
    job = place.wait(job_id, DONE)
    assert_whole(job, steps)
    assert job.attempt == 2
    assert [entry.step for entry in job.history] == list(range(20, steps + 1, 20))
    assert before.history == job.history[: len(before.history)]
    assert "retried" in [event.type for event in place.store.events(job_id, limit=1000).events]


def test_the_whole_worker_is_killed(place: Workplace) -> None:
    """After kill -9 of the whole worker, the next one goes on within 30 s of being there."""
    worker = place.start()
    job_id = place.submit(**STEADY)
    place.checkpoint(job_id)
    kill(worker)
    steps = end_soon(place, job_id)
    place.start()
    wait_until(lambda: place.job(job_id).attempt == 2, 30 + START / 5)  # and the time in which a worker starts
    assert_whole(place.wait(job_id, DONE), steps)


def test_a_worker_dies_before_it_has_taken_the_message(place: Workplace) -> None:
    """A worker that hangs and is killed while jobs are queued loses none: all run within 60 s of another's start.

    So does a job whose message an older API left in the next database, where no worker looks.
    """
    worker = place.start()
    place.idle()
    os.killpg(worker.pid, signal.SIGSTOP)
    jobs = [place.submit(**SHORT)]
    kill(worker)
    with closing(older(place.redis)) as place.queue:
        jobs.append(place.submit(**SHORT))
    place.start()
    for job_id in jobs:
        assert_whole(place.wait(job_id, DONE), 60)


def test_a_worker_is_told_to_stop(place: Workplace) -> None:
    """At SIGTERM a worker gives its job back and leaves; another goes on with it, which counts as no crash."""
    worker = place.start()
    job_id = place.submit(**STEADY)
    place.checkpoint(job_id)
    with timed(20):
        os.kill(worker.pid, signal.SIGTERM)
        worker.wait(20)
    assert place.job(job_id).status is JobStatus.QUEUED
    steps = end_soon(place, job_id)
    place.start()
    assert_whole(place.wait(job_id, DONE), steps)
