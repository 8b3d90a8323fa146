"""Published models with a real network, a report and a record, made in a second."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from bestguess.schemas.job_params import MnistParams
from bestguess.schemas.jobs import JobStatus
from jobs.artifacts import MODEL, open_store
from jobs.ids import new_job_id
from jobs.owners import ANONYMOUS
from vision.digits import network
from worker.mnist.data import Digits
from worker.mnist.report import make_report, write_report

if TYPE_CHECKING:
    from pathlib import Path

    import keras
    from numpy.typing import NDArray

    from support.stores import FullStore

PLACES = [(4 + 8 * (digit % 3), 2 + 6 * (digit // 3)) for digit in range(10)]  # where each digit's blot is


def blots(labels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Draw digits that anything could learn: a blot in a place of its own."""
    images = np.zeros((len(labels), network.SIDE, network.SIDE), np.uint8)
    for image, label in zip(images, labels, strict=True):
        x, y = PLACES[label]
        image[y : y + 4, x : x + 4] = 255
    return images


def digits() -> Digits:
    """Make a data set of blots."""
    labels = np.arange(40, dtype=np.uint8) % 10
    images = blots(labels)
    arrays = {"x_train": images, "y_train": labels, "x_test": images, "y_test": labels}
    return Digits.of("mnist", arrays)


def untrained(seed: int = 0) -> keras.Model:
    """Make the network with the weights that a seed gives."""
    return network.build(0.5, seed=seed)


def publish(
    jobs: FullStore,
    data_dir: Path,
    model: keras.Model,
    test_accuracy: float = 0.9,
    owner: str = ANONYMOUS,
    **params: object,
) -> str:
    """Publish a model with its report, and finish a job with it; return its id."""
    asked = MnistParams.model_validate(params).model_dump(mode="json")
    job_id = jobs.create("mnist-train", asked, job_id=new_job_id(), most_queued=1000, owner=owner).id
    claim = jobs.claim(job_id, "worker", 60)
    assert claim is not None
    data = digits()
    logits = np.asarray(model(network.prepared(data.x_test[..., None]), training=False))
    report = make_report(job_id, asked, data, (), logits)

    def write(folder: Path) -> None:
        model.save(folder / MODEL)
        write_report(folder, report)

    artifact = open_store(None, data_dir).publish(job_id, claim.fence, write, {})
    facts = {"train_accuracy": 0.95, "test_accuracy": test_accuracy, "seed": 1, "precision": "float32"}
    dataset = {"name": data.name, "official": True, "sha256": data.sha256}
    result = facts | {"dataset": dataset, "training_seconds": 1.0, "model_id": job_id} | artifact.record()
    jobs.finish(job_id, claim.fence, JobStatus.SUCCEEDED, result)
    return job_id
