"""Fine-tuning jobs on a few generated photographs, run by a real worker."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bestguess.schemas.job_params import FinetuneParams
from jobs.artifacts import open_store
from jobs.ids import new_job_id
from jobs.queue import FINETUNE, publish
from support.datasets import stored
from support.photo_datasets import png

if TYPE_CHECKING:
    from jobs.datasets.model import Dataset
    from support.worker_processes import Workplace

LITE0 = "efficientnet-lite0"


def dataset(place: Workplace, classes: int = 3, each: int = 6) -> Dataset:
    """Keep a data set of stripes as the service does."""
    files = {f"class {label}": [png(label, seed) for seed in range(each)] for label in range(classes)}
    return stored(place.store, open_store(None, place.data_dir), files)


def submit(place: Workplace, dataset_id: str, **asked: object) -> str:
    """Record a fine-tuning and tell the workers, as the API does."""
    job_id = new_job_id()
    chosen = {"dataset_id": dataset_id, "base": LITE0, "epochs": 2, "batch_size": 4} | asked
    params = FinetuneParams.model_validate(chosen).model_dump(mode="json")
    params["from_a_later_version"] = {"x": 1}  # as an API that was upgraded first may store it
    place.store.create(FINETUNE, params, job_id=job_id, most_queued=100)
    publish(place.queue, FINETUNE, job_id)
    return job_id
