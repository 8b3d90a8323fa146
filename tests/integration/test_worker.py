import os
import signal
from collections.abc import Iterator
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from redis_live import live_redis
from waiting import wait_until
from workers import LONG, START, Workplace, kill, small_mnist, timed

from jobs import artifacts
from jobs.model import Job, JobStatus
from jobs.queue import MNIST_TRAIN, publish

SHORT = {"steps": 60, "batch_size": 20, "report_every": 20, "seed": 1}
MEDIUM = {"steps": 600, "batch_size": 20, "report_every": 20, "seed": 1}
DONE = JobStatus.SUCCEEDED


@pytest.fixture(scope="module")
def mnist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write a small file of digits."""
    return small_mnist(tmp_path_factory.mktemp("digits") / "mnist.npz")


@pytest.fixture
def place(tmp_path: Path, mnist: Path) -> Iterator[Workplace]:
    """Set up a Redis and a data folder; end every worker after the test."""
    with live_redis() as redis:
        made = Workplace(redis, tmp_path, mnist)
        yield made
        made.end()


def assert_whole(job: Job, steps: int) -> None:
    """Check that the history goes forward, to the end, with one result."""
    seen = [entry.step for entry in job.history]
    assert seen == sorted(set(seen))
    assert seen[-1] == steps
    assert job.status is DONE
    assert job.result is not None
    assert job.error is None


def test_a_training_succeeds(place: Workplace) -> None:
    """A job is trained and told, and leaves a network whose hash is recorded, that Keras loads, that is right."""
    place.start()
    job_id = place.submit(**MEDIUM)
    job = place.wait(job_id, DONE)
    assert_whole(job, 600)
    assert (job.attempt, job.progress.step, job.progress.total_steps) == (1, 600, 600)
    assert [entry.step for entry in job.history] == list(range(20, 601, 20))
    assert job.started_at is not None
    assert job.finished_at is not None
    assert job.created_at <= job.started_at <= job.finished_at
    result = job.result or {}
    assert result["test_accuracy"] > 0.9
    assert result["model_id"] == job_id
    assert result["dataset"]["official"] is False
    path = artifacts.find(place.data_dir / "models", job_id)
    assert path is not None
    artifacts.verify(path, result["sha256"])
    with np.load(place.mnist) as digits:
        logits = keras.models.load_model(path).predict(digits["x_test"][..., None] / 255, verbose=0)
        assert (logits.argmax(axis=1) == digits["y_test"]).mean() == pytest.approx(result["test_accuracy"])
    types = [event.type for event in place.store.events(job_id, limit=1000).events]
    assert types[:2] == ["created", "started"]
    assert types[-1] == "succeeded"
    assert set(types[2:-1]) == {"progress"}
    assert not artifacts.checkpoint_folder(place.data_dir / "models", job_id).exists()


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


def test_two_workers_share_the_queue(place: Workplace) -> None:
    """Two workers run two jobs at the same time."""
    place.start()
    place.start()
    jobs = [place.submit(**LONG) for _ in range(2)]
    for job_id in jobs:
        place.wait(job_id, JobStatus.RUNNING)
    assert len({place.trainer(job_id) for job_id in jobs}) == 2


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


def test_cancel_while_queued(place: Workplace) -> None:
    """A job that waits is cancelled at once, and never begins."""
    job_id = place.submit(**SHORT)
    assert place.store.cancel(job_id).status is JobStatus.CANCELLED
    place.start()
    place.wait(place.submit(**SHORT), DONE)
    assert place.job(job_id).attempt == 0


def test_cancel_while_running(place: Workplace) -> None:
    """A job that trains is cancelled within two seconds; it leaves nothing, and the next one runs."""
    place.start()
    job_id = place.submit(**LONG)
    place.checkpoint(job_id)
    place.store.cancel(job_id)
    with timed(2):
        place.wait(job_id, JobStatus.CANCELLED)
    wait_until(lambda: not list((place.data_dir / "models").glob(f"{job_id}*")), 10)
    assert_whole(place.wait(place.submit(**SHORT), DONE), 60)


def test_cancel_while_it_begins(place: Workplace) -> None:
    """The same holds for a job that has not made a step, while TensorFlow is imported."""
    place.start()
    job_id = place.submit(**LONG)
    place.wait(job_id, JobStatus.RUNNING)
    place.store.cancel(job_id)
    with timed(2):
        place.wait(job_id, JobStatus.CANCELLED)


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


def test_time_limit(place: Workplace) -> None:
    """A job that takes longer than it may ends as failed, with the limit named."""
    place.start(job_seconds=8)
    job = place.wait(place.submit(**LONG), JobStatus.FAILED)
    assert job.error is not None
    assert job.error.code == "time-limit"
    assert "BESTGUESS_JOB_SECONDS" in job.error.detail


def test_a_loss_that_is_not_finite(place: Workplace) -> None:
    """A training that diverges fails at that step, with the learning rate named."""
    place.start()
    job = place.wait(place.submit(**MEDIUM | {"learning_rate": 1000, "optimizer": "sgd"}), JobStatus.FAILED)
    assert job.error is not None
    assert job.error.code == "diverged"
    assert "learning rate 1000" in job.error.detail


def test_no_data_set(place: Workplace, tmp_path: Path) -> None:
    """Where MNIST cannot be had, the job fails at once, with what to do."""
    place.start(mnist=tmp_path / "nowhere.npz", mirror="http://127.0.0.1:9")
    job = place.wait(place.submit(**SHORT), JobStatus.FAILED)
    assert job.error is not None
    assert job.error.code == "dataset-unavailable"
    assert "BESTGUESS_MNIST" in job.error.detail


def test_no_gpu(place: Workplace) -> None:
    """A worker that is to train on a GPU, on a machine without one, says so."""
    if tf.config.list_physical_devices("GPU"):
        pytest.skip("this machine has a GPU")
    place.start(worker_device="gpu")
    job = place.wait(place.submit(**SHORT), JobStatus.FAILED)
    assert job.error is not None
    assert job.error.code == "device-unavailable"


def test_training_gives_way(place: Workplace) -> None:
    """The process that trains has a lower priority than the service beside it."""
    place.start()
    job_id = place.submit(**LONG)
    place.wait(job_id, JobStatus.RUNNING)
    assert os.getpriority(os.PRIO_PROCESS, place.trainer(job_id)) > os.getpriority(os.PRIO_PROCESS, 0)


def test_old_jobs_are_removed(place: Workplace) -> None:
    """A finished job is removed with its network some time later."""
    place.start(job_retention_seconds=1)
    job_id = place.submit(**SHORT)
    place.wait(job_id, DONE)
    wait_until(lambda: not place.store.list().jobs, START)
    assert not list((place.data_dir / "models").glob(f"{job_id}*"))
