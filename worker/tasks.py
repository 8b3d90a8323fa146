"""One short task for each kind of job."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from jobs.artifacts import ArtifactsUnavailable, open_store
from jobs.connection import connect
from jobs.queue import FINETUNE, MNIST_TRAIN, TASKS
from jobs.store import JobStore
from jobs.telemetry.tracing import tracing_as_asked
from worker.children import JobRequest
from worker.execution import Work, execute
from worker.finetune.job import finetune_photographs, kept_features
from worker.keeping import forget_checkpoint
from worker.main import app
from worker.mnist.job import train_digits

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from jobs.artifacts import ArtifactStore
    from jobs.records import Claim
    from jobs.settings import WorkerSettings
    from worker.execution import Hands
    from worker.finetune.cache import ArrayCache

    Do = Callable[[WorkerSettings, JobStore, ArtifactStore, Claim, Hands], dict[str, Any]]

log = logging.getLogger(__name__)


@app.task(name=TASKS[MNIST_TRAIN], Request=JobRequest)
def mnist_train(job_id: str) -> None:
    """Train the network of digits."""
    _run(job_id, lambda settings, _, *asked: train_digits(settings, *asked))


@app.task(name=TASKS[FINETUNE], Request=JobRequest)
def finetune(job_id: str) -> None:
    """Fine-tune a pretrained network on photographs."""
    _run(job_id, finetune_photographs)


def _run(job_id: str, do: Do) -> None:
    settings: WorkerSettings = app.bestguess
    artifacts, features = open_store(settings.artifacts_url, settings.data_dir), kept_features(settings)
    with tracing_as_asked("bestguess-worker") as tracing, JobStore(connect(settings.redis_url or "")) as store:
        work = Work(
            lambda claim, hands: do(settings, store, artifacts, claim, hands),
            clean_up=lambda: clean_up(artifacts, features, job_id),
            forget=lambda: forget(artifacts, features, job_id),
            seconds=settings.job_seconds,
        )
        execute(store, job_id, work, tracing)


def forget(artifacts: ArtifactStore, features: ArrayCache, job_id: str) -> None:
    """Remove what only another attempt at a job would need."""
    features.forget(job_id)
    forget_checkpoint(artifacts, job_id)


def clean_up(artifacts: ArtifactStore, features: ArrayCache, job_id: str) -> None:
    """Remove what a job has left of which nothing comes; what cannot be removed now goes with the job's record."""
    features.forget(job_id)
    try:
        artifacts.remove(job_id)
    except ArtifactsUnavailable as error:
        log.warning("Something of job %s stays: %s", job_id, error)
