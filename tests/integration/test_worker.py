import os
import re
import signal
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from bestguess.schemas.jobs import JobStatus
from jobs.artifacts import MODEL, open_store
from support.artifacts import read_meta
from support.stores import FullRegistry
from support.trained_models import publish, untrained
from support.waiting import wait_until
from support.worker_processes import LONG, MEDIUM, SHORT, START, Workplace, assert_whole, timed

DONE = JobStatus.SUCCEEDED


def test_a_training_succeeds(place: Workplace) -> None:
    """A job is trained and told, and leaves a network whose hash is recorded, that Keras loads, that is right."""
    place.start()
    job_id = place.submit(**MEDIUM)
    job = place.wait(job_id, DONE)
    assert_whole(job, 240)
    assert (job.attempt, job.progress.step, job.progress.total_steps) == (1, 240, 240)
    assert [entry.step for entry in job.history] == list(range(20, 241, 20))
    assert job.started_at is not None
    assert job.finished_at is not None
    assert job.created_at <= job.started_at <= job.finished_at
    result = job.result or {}
    assert result["test_accuracy"] > 0.9
    assert result["model_id"] == job_id
    assert result["dataset"]["official"] is False
    store = open_store(None, place.data_dir)
    path = store.fetch(job_id, MODEL, result["sha256"], place.data_dir)
    assert path == place.data_dir / "models" / job_id / MODEL
    assert (path.stat().st_size, result["files"][MODEL]["sha256"]) == (result["bytes"], result["sha256"])
    assert read_meta(store, job_id)["test_accuracy"] == result["test_accuracy"]
    with np.load(place.mnist) as digits:
        logits = keras.models.load_model(path).predict(digits["x_test"][..., None] / 255, verbose=0)
        assert (logits.argmax(axis=1) == digits["y_test"]).mean() == pytest.approx(result["test_accuracy"])
    types = [event.type for event in place.store.events(job_id, limit=1000).events]
    assert types[:2] == ["created", "started"]
    assert types[-1] == "succeeded"
    assert set(types[2:-1]) == {"progress"}
    wait_until(lambda: left(place) == [job_id], 60)  # a checkpoint goes once the job's end is on record


def left(place: Workplace) -> list[str]:
    """Name what lies where networks are kept."""
    return [path.name for path in (place.data_dir / "models").iterdir()]


def test_two_workers_share_the_queue(place: Workplace) -> None:
    """Two workers run two jobs at the same time."""
    place.start()
    place.start()
    jobs = [place.submit(**LONG) for _ in range(2)]
    for job_id in jobs:
        place.wait(job_id, JobStatus.RUNNING)
    assert len({place.trainer(job_id) for job_id in jobs}) == 2


def test_cancel_while_queued(place: Workplace) -> None:
    """A job that waits is cancelled at once, and never begins."""
    job_id = place.submit(**SHORT)
    assert place.store.cancel(job_id).status is JobStatus.CANCELLED
    place.start()
    place.wait(place.submit(**LONG), JobStatus.RUNNING)  # whose message came after the other's
    assert place.job(job_id).attempt == 0


def test_cancel_while_running(place: Workplace) -> None:
    """A job that trains is cancelled within two seconds; it leaves nothing, and the next one runs."""
    place.start()
    job_id = place.submit(**LONG)
    place.checkpoint(job_id)
    place.store.cancel(job_id)
    with timed(2):
        place.wait(job_id, JobStatus.CANCELLED)
    wait_until(lambda: not list((place.data_dir / "models").glob(f"{job_id}*")), 60)
    place.wait(place.submit(**LONG), JobStatus.RUNNING)


def test_cancel_while_it_begins(place: Workplace, tmp_path: Path) -> None:
    """The same holds while TensorFlow is imported; that, and a worker that leaves then, are no errors in the log."""
    place.log = tmp_path / "log"
    worker = place.start()
    job_id = place.submit(**LONG)
    place.wait(job_id, JobStatus.RUNNING)
    place.store.cancel(job_id)
    with timed(2):
        place.wait(job_id, JobStatus.CANCELLED)
    given_back = place.submit(**LONG)
    place.wait(given_back, JobStatus.RUNNING)
    os.kill(worker.pid, signal.SIGTERM)
    worker.wait(60)
    assert place.job(given_back).status is JobStatus.QUEUED
    log = place.log.read_text()
    assert f"job {job_id} is cancelled" in log
    assert not re.search("ERROR|Traceback|exited with", log)


def test_time_limit(place: Workplace) -> None:
    """A job that takes longer than it may ends as failed, with the limit named."""
    place.start(job_seconds=2)
    job = place.wait(place.submit(**LONG), JobStatus.FAILED)
    assert job.error is not None
    assert job.error.code == "time-limit"
    assert "BESTGUESS_JOB_SECONDS" in job.error.detail


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
    place.start(worker_niceness=5)
    job_id = place.submit(**LONG)
    place.wait(job_id, JobStatus.RUNNING)
    ours = os.getpriority(os.PRIO_PROCESS, 0)
    assert os.getpriority(os.PRIO_PROCESS, place.trainer(job_id)) == min(ours + 5, 19)


@pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy:DeprecationWarning")  # Keras 3.15
def test_old_jobs_are_removed(place: Workplace) -> None:
    """A finished job is removed some time later; its network is registered by then, and stays."""
    job_id = publish(place.store, place.data_dir, untrained())
    assert place.job(job_id).status is DONE
    place.start(job_retention_seconds=1)
    wait_until(lambda: not place.store.list().jobs, START)
    assert [model.id for model in FullRegistry(place.store).list()] == [job_id]
    wait_until(lambda: left(place) == [job_id], 60)
    assert open_store(None, place.data_dir).exists(job_id)
