"""A fine-tuning by a real worker: what it leaves, what it goes on from, and how it ends."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bestguess.schemas.jobs import EpochEntry, JobStatus
from bestguess.schemas.report import Report
from jobs.artifacts import MODEL, open_store
from support.finetune_jobs import LITE0, dataset, submit
from support.stores import FullDatasets, FullRegistry
from support.waiting import wait_until
from support.worker_processes import kill, timed
from vision.networks import transfer_learning
from vision.networks.registry import NETWORKS
from vision.pictures.report import draw

if TYPE_CHECKING:
    from pathlib import Path

    from bestguess.schemas.jobs import Job
    from support.worker_processes import Workplace


DONE = JobStatus.SUCCEEDED, JobStatus.FAILED


def _result(job: Job) -> dict:
    assert job.error is None
    assert job.result is not None
    return job.result


def _file(place: Workplace, job_id: str, name: str, to: Path) -> Path:
    model = FullRegistry(place.store).get(job_id)
    return open_store(None, place.data_dir).fetch(job_id, name, model.files[name].sha256, to)


def test_a_model_of_ones_own(place: Workplace, tmp_path: Path) -> None:
    """A job leaves a registered head with its classes, parent, data set and report; another goes on from it."""
    data = dataset(place)
    place.start(precision="float32")
    job_id = submit(place, data.id, seed=3)
    job = place.wait(job_id, *DONE)
    result = _result(job)
    assert [type(entry) for entry in job.history] == [EpochEntry, EpochEntry]
    assert result["dataset"] == {"id": data.id, "name": "pets", "sha256": data.sha256, "images": 18, "official": False}
    assert result["classes"] == ["class 0", "class 1", "class 2"]
    assert (result["parent"], result["root"], result["freeze"]) == (LITE0, LITE0, 47)
    assert result["cut"] == {"layer": "block15_add", "frozen": 45}
    assert result["root_weights"]["origin"] == "imagenet"
    assert (result["train_images"], result["validation_images"]) == (15, 3)
    assert result["validation_accuracy"] == job.history[result["best_epoch"] - 1].validation_accuracy
    assert (result["precision"], result["seed"], result["cached"]) == ("float32", 3, True)
    assert 0 < result["peak_memory_bytes"] < 6 * 2**30
    root = NETWORKS[LITE0]
    cut = transfer_learning.cut_named(root, result["cut"]["layer"])
    head = transfer_learning.head(root.build("float32"), cut, 3, "float32")
    transfer_learning.load_head(head, _file(place, job_id, MODEL, tmp_path))
    report = Report.model_validate_json(_file(place, job_id, "report.json", tmp_path).read_bytes())
    assert (report.test_images, report.accuracy) == (3, result["validation_accuracy"])
    assert len(report.learning_curve) == 2
    assert b"3 validation photographs" in draw(report, "svg")

    again = _result(place.wait(submit(place, data.id, base=job_id, freeze=49, augment=["flip"]), *DONE))
    assert (again["parent"], again["root"], again["freeze"]) == (job_id, LITE0, 49)
    assert again["cut"] == result["cut"]
    assert not again["cached"]


def test_vgg16_with_random_weights(place: Workplace) -> None:
    """With random weights it works, and the result says so."""
    place.start(weights="random")
    result = _result(place.wait(submit(place, dataset(place, 2, 3).id, base="vgg16", freeze=15, epochs=1), *DONE))
    assert result["root_weights"] == {"origin": "random", "hash": "random:0"}
    assert result["cut"] == {"layer": "fc2", "frozen": 15}


def test_what_cannot_be_done(place: Workplace) -> None:
    """A job whose weights or photographs cannot be had fails with what to do, and leaves nothing."""
    data = dataset(place)
    gone = submit(place, "ds_gone")
    missing = submit(place, data.id, base="vgg16")
    nobody = submit(place, data.id, base="job_nobody")
    wrong = submit(place, data.id, learning_rate=900.0, epochs=50)
    for job_id in (gone, missing, nobody, wrong):  # as an earlier attempt would
        (place.data_dir / "features" / f"0.{job_id}.part").mkdir(parents=True)
    place.start(mirror="http://127.0.0.1:9")
    for job_id, code, words in (
        (gone, "dataset-unavailable", "Send it anew"),
        (missing, "weights-unavailable", "bestguess weights fetch"),
        (nobody, "base-unavailable", "Choose another base"),
        (wrong, "diverged", "learning rate 900"),
    ):
        error = place.wait(job_id, JobStatus.FAILED).error
        assert error is not None
        assert error.code == code
        assert words in error.detail
    assert FullRegistry(place.store).list() == []
    wait_until(lambda: not [*(place.data_dir / "features").glob("*.part")], 60)


def test_cancelled_and_killed(place: Workplace) -> None:
    """A running one is cancelled within two seconds; one whose worker is killed goes on from its checkpoint."""
    data = dataset(place)
    worker = place.start()
    job_id = submit(place, data.id, epochs=1000)
    place.steps(job_id, 8)
    with timed(2):
        place.store.cancel(job_id)
        place.wait(job_id, JobStatus.CANCELLED)
    FullDatasets(place.store).get(data.id)
    job_id = submit(place, data.id, epochs=1000)
    place.checkpoint(job_id)
    kill(worker)
    before = place.job(job_id)
    epochs = len(before.history) + 3
    place.shorten(job_id, epochs=epochs)
    place.run_out(job_id)
    place.start()
    after = place.wait(job_id, *DONE)
    assert after.attempt == 2
    assert [entry.step for entry in after.history] == [*range(4, 4 * epochs + 1, 4)]
    assert after.history[: len(before.history)] == before.history
    _result(after)


@pytest.fixture(autouse=True)
def no_keras_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Keep a machine's own downloads out of it."""
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
