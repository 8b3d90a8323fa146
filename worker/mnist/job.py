"""A training of digits as a job: the data, the training, and the network that it leaves."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING, Any

from jobs import artifacts
from jobs.model import MnistParams
from worker.mnist.checkpoint import Checkpoint
from worker.mnist.data import load_mnist
from worker.mnist.errors import DeviceUnavailable
from worker.mnist.synthetic import synthetic_digits

if TYPE_CHECKING:
    from pathlib import Path

    from jobs.model import Claim
    from jobs.settings import WorkerSettings
    from worker.execution import Hands
    from worker.mnist.data import Digits
    from worker.mnist.training import Result


def train_digits(settings: WorkerSettings, claim: Claim, hands: Hands) -> dict[str, Any]:
    """Do the job that was claimed, and return its result.

    Raises:
        TrainingError: it cannot succeed.
        Stopped: it was told to stop.
        LeaseLost: a later owner of the job has published already.
    """
    choose_device(settings.worker_device)
    from worker.mnist.training import train  # noqa: PLC0415 - TensorFlow, after the device is chosen

    params, root = MnistParams.model_validate(claim.params), models_folder(settings)
    digits = load(params.dataset, settings)
    checkpoint = Checkpoint(artifacts.checkpoint_folder(root, claim.job_id), settings.checkpoint_seconds)
    result = train(params, digits, lambda report: hands.report(*report), hands.should_stop, checkpoint)
    facts = facts_of(result, digits)
    artifact = artifacts.publish(
        root,
        claim.job_id,
        claim.fence,
        lambda folder: result.model.save(folder / artifacts.MODEL),
        {"job_id": claim.job_id, "params": claim.params} | facts,
    )
    artifacts.remove_checkpoint(root, claim.job_id)
    return facts | {"model_id": claim.job_id, "sha256": artifact.sha256, "bytes": artifact.size}


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


def load(name: str, settings: WorkerSettings) -> Digits:
    """Get a data set by its name.

    Raises:
        DatasetUnavailable: it cannot be had.
    """
    if name == "synthetic-digits":
        return synthetic_digits()
    return load_mnist(settings.mnist, settings.data_dir, settings.mirror, threading.Event())


def models_folder(settings: WorkerSettings) -> Path:
    """Say where networks and checkpoints are kept."""
    return settings.data_dir / "models"


def choose_device(device: str) -> None:
    """Hide the GPU if it is to be left to others, or take of it only what is needed; before TensorFlow is imported.

    Raises:
        DeviceUnavailable: a GPU is wanted, and there is none.
    """
    if device == "cpu":
        os.environ["CUDA_VISIBLE_DEVICES"] = "-1"
    os.environ.setdefault("TF_FORCE_GPU_ALLOW_GROWTH", "true")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    import tensorflow as tf  # noqa: PLC0415 - it reads what was just set

    if device == "gpu" and not tf.config.list_physical_devices("GPU"):
        raise DeviceUnavailable("This worker has no GPU. Set BESTGUESS_WORKER_DEVICE to auto or cpu, or use another.")
