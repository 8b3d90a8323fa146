import os
import signal
from contextlib import closing

import psutil

from bestguess.schemas.jobs import JobStatus
from support.waiting import wait_until
from support.worker_processes import MEDIUM, SHORT, Workplace, assert_whole, kill, older, timed

DONE = JobStatus.SUCCEEDED


def test_the_training_process_is_killed(place: Workplace) -> None:
    """After kill -9 of the process that trains, the job goes on from its checkpoint: one result, steps only forward."""
    place.start()
    job_id = place.submit(**MEDIUM)
    place.checkpoint(job_id)
    before = place.job(job_id)
    trainer = psutil.Process(place.trainer(job_id))
    trainer.kill()
    trainer.wait(10)  # after that nobody renews the lease
    place.run_out(job_id)
    job = place.wait(job_id, DONE, seconds=120)
    assert_whole(job, 240)
    assert job.attempt == 2
    assert [entry.step for entry in job.history] == list(range(20, 241, 20))
    assert before.history == job.history[: len(before.history)]
    assert "retried" in [event.type for event in place.store.events(job_id, limit=1000).events]


def test_the_whole_worker_is_killed(place: Workplace) -> None:
    """After kill -9 of the whole worker, the next one goes on within 30 s of being there."""
    worker = place.start()
    job_id = place.submit(**MEDIUM)
    place.checkpoint(job_id)
    kill(worker)
    place.start()
    wait_until(lambda: place.job(job_id).attempt == 2, 30 + 10)  # and the seconds in which a worker starts
    assert_whole(place.wait(job_id, DONE, seconds=90), 240)


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
        assert_whole(place.wait(job_id, DONE, seconds=90), 60)


def test_a_worker_is_told_to_stop(place: Workplace) -> None:
    """At SIGTERM a worker gives its job back and leaves; another goes on with it, which counts as no crash."""
    worker = place.start()
    job_id = place.submit(**MEDIUM)
    place.checkpoint(job_id)
    with timed(20):
        os.kill(worker.pid, signal.SIGTERM)
        worker.wait(20)
    assert place.job(job_id).status is JobStatus.QUEUED
    place.start()
    assert_whole(place.wait(job_id, DONE, seconds=90), 240)
