"""One short task for each kind of job."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jobs import artifacts
from jobs.connection import connect
from jobs.queue import MNIST_TRAIN, TASKS
from jobs.store import JobStore
from worker.execution import Work, execute
from worker.main import app
from worker.mnist.job import train_digits

if TYPE_CHECKING:
    from jobs.settings import WorkerSettings


@app.task(name=TASKS[MNIST_TRAIN])
def mnist_train(job_id: str) -> None:
    """Train the network of digits."""
    settings: WorkerSettings = app.bestguess
    root = settings.data_dir / "models"
    work = Work(
        lambda claim, hands: train_digits(settings, claim, hands),
        lambda: artifacts.remove(root, job_id),
        settings.job_seconds,
    )
    with JobStore(connect(settings.redis_url or "")) as store:
        execute(store, job_id, work)
