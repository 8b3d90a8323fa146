"""A training of digits as a job: the data, the training, and the network that it leaves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bestguess.schemas.job_params import MnistParams
from jobs import artifacts
from worker.chance import seed_of
from worker.checkpoint import Checkpoint
from worker.device import choose_device
from worker.keeping import keep
from worker.mnist.data import load_mnist
from worker.mnist.report import make_report, write_report
from worker.mnist.synthetic import synthetic_digits

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from jobs.artifacts import ArtifactStore
    from jobs.records import Claim
    from jobs.settings import WorkerSettings
    from worker.execution import Hands
    from worker.mnist.data import Digits
    from worker.mnist.training import Result


def train_digits(settings: WorkerSettings, store: ArtifactStore, claim: Claim, hands: Hands) -> dict[str, Any]:
    """Do the job that was claimed, and return its result.

    Raises:
        TrainingError: it cannot succeed.
        ArtifactsUnavailable: the store stayed away.
        Stopped: it was told to stop.
        LeaseLost: a later owner of the job has published already.
    """
    choose_device(settings.worker_device)
    from worker.mnist.training import train  # noqa: PLC0415 - TensorFlow, after the device is chosen

    params = seeded(MnistParams.model_validate(claim.params, extra="ignore"), claim.job_id)
    digits = load(params.dataset, settings, hands.should_stop)
    with store.checkpoint(claim.job_id) as place:
        checkpoint = Checkpoint(place.folder, settings.checkpoint_seconds, place.saved)
        result = train(params, digits, lambda report: hands.report(*report), hands.should_stop, checkpoint)
    report = make_report(claim.job_id, params.model_dump(mode="json"), digits, result.history, result.test_logits)
    facts = facts_of(result, digits)
    meta = {"job_id": claim.job_id, "params": claim.params} | facts

    def write(folder: Path) -> None:
        result.model.save(folder / artifacts.MODEL)
        write_report(folder, report)

    artifact = keep(lambda: store.publish(claim.job_id, claim.fence, write, meta), hands.should_stop)
    return facts | {"model_id": claim.job_id} | artifact.record()


def seeded(params: MnistParams, job_id: str) -> MnistParams:
    """Fill in the seed where none was asked for: the same for each attempt of a job, with a checkpoint or without."""
    if params.seed is not None:
        return params
    return params.model_copy(update={"seed": seed_of(job_id)})


def facts_of(result: Result, digits: Digits) -> dict[str, Any]:
    """Say how good a network is, and what it learned from; drawn digits are never called anything else."""
    return {
        "train_accuracy": result.train_accuracy,
        "test_accuracy": result.test_accuracy,
        "dataset": {"name": digits.name, "official": digits.official, "sha256": digits.sha256},
        "seed": result.seed,
        "precision": result.precision,
        "training_seconds": round(result.seconds, 2),
    }


def load(name: str, settings: WorkerSettings, should_stop: Callable[[], bool]) -> Digits:
    """Get a data set by its name.

    Raises:
        DatasetUnavailable: it cannot be had.
        Stopped: `should_stop` said so while it was downloaded.
    """
    if name == "synthetic-digits":
        return synthetic_digits()
    return load_mnist(settings.mnist, settings.data_dir, settings.mirror, should_stop)
