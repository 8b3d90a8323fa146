"""Fine-tuned models as a worker publishes them, without the training: head, files and record."""

from __future__ import annotations

import shutil
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from bestguess.schemas.jobs import JobStatus
from jobs.artifacts import META, MODEL, open_store
from jobs.ids import new_job_id
from jobs.owners import ANONYMOUS
from support.small_vgg import SMALL_VGG
from vision.networks import transfer_learning

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import keras
    from numpy.typing import NDArray

    from support.stores import FullStore
    from vision.networks.registry import Network

CLASSES = ("cat", "猫", "a thing")


def base() -> keras.Model:
    """Make the small base with the weights that the service makes up."""
    model = SMALL_VGG.build("float32")
    assert SMALL_VGG.randomise
    SMALL_VGG.randomise(model, 0)
    return model


class Made:
    """A head of the small base, moved away from what its base has, as a training does; `said` is what it answers."""

    def __init__(self, base: keras.Model, freeze: int, seed: int, classes: Sequence[str] = CLASSES) -> None:
        self.freeze, self.classes, self._base = freeze, tuple(classes), base
        self.cut = transfer_learning.cut_of(SMALL_VGG, freeze)
        self.head = transfer_learning.head(base, self.cut, len(classes), "float32", seed=seed)
        transfer_learning.copy_weights(base, self.head)
        random = np.random.default_rng(seed)
        kept = {layer.name for layer in transfer_learning.frozen_layers(SMALL_VGG, self.head, freeze)}
        for layer in self.head.layers:
            if layer.weights and layer.name not in kept:
                moved = [array + random.normal(0, 0.05, array.shape) for array in layer.get_weights()]
                layer.set_weights(moved)

    def said(self, pixels: Sequence[NDArray[np.uint8]]) -> NDArray[np.float32]:
        """Answer in plain Keras: the base up to the cut, then the head: scores (pictures, classes)."""
        import keras  # noqa: PLC0415 - not when tests are collected

        ready = SMALL_VGG.preprocess(np.stack(pixels).astype(np.float32))
        features = transfer_learning.backbone(self._base, self.cut)(ready, training=False)
        logits = self.head(features, training=False)
        return np.asarray(keras.ops.convert_to_numpy(keras.ops.softmax(logits)))

    def result(self, **more: object) -> dict[str, Any]:
        """Say what the job's result says, but for the files."""
        return {
            "dataset": {"id": "ds_1", "name": "pets", "sha256": "0" * 64, "images": 30, "official": False},
            "train_accuracy": 1.0,
            "validation_accuracy": 0.9,
            "seed": 1,
            "precision": "float32",
            "training_seconds": 1.0,
            "classes": list(self.classes),
            "parent": "vgg16",
            "root": "vgg16",
            "freeze": self.freeze,
            "cut": {"layer": self.cut.layer, "frozen": self.cut.frozen},
            "root_weights": {"origin": "random", "hash": "random:0"},
            "best_epoch": 2,
            "epochs": 3,
        } | more


def publish(jobs: FullStore, data_dir: Path, made: Made, owner: str = ANONYMOUS, **more: object) -> str:
    """Publish a fine-tuned model, and finish a job with it; return its id."""
    asked = {"dataset_id": "ds_1", "epochs": 3}
    job_id = jobs.create("finetune", asked, job_id=new_job_id(), most_queued=1000, owner=owner).id
    claim = jobs.claim(job_id, "worker", 60)
    assert claim is not None
    artifact = open_store(None, data_dir).publish(
        job_id, claim.fence, lambda folder: made.head.save(folder / MODEL), {}
    )
    result = made.result(**more) | {"model_id": job_id} | artifact.record()
    jobs.finish(job_id, claim.fence, JobStatus.SUCCEEDED, result)
    return job_id


def publish_child(jobs: FullStore, data_dir: Path, parent: str) -> str:
    """Publish a model's files again as those of one that went on from it, and finish a job with it; return its id."""
    job, store = jobs.get(parent), open_store(None, data_dir)
    assert job.result is not None
    files = {name: file["sha256"] for name, file in job.result["files"].items() if name != META}
    job_id = jobs.create("finetune", job.params | {"base": parent}, job_id=new_job_id(), most_queued=1000).id
    claim = jobs.claim(job_id, "worker", 60)
    assert claim is not None

    def write(folder: Path) -> None:
        for name, sha256 in files.items():
            shutil.copy(store.fetch(parent, name, sha256, folder), folder / name)

    artifact = store.publish(job_id, claim.fence, write, {})
    result = job.result | {"parent": parent, "model_id": job_id} | artifact.record()
    jobs.finish(job_id, claim.fence, JobStatus.SUCCEEDED, result)
    return job_id


def as_vgg16() -> Network:
    """Give the small base the name of the large one."""
    return replace(SMALL_VGG, id="vgg16")
