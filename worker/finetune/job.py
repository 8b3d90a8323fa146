"""A fine-tuning as a job: the photographs, the network to begin with, the training, and the head that it leaves."""

from __future__ import annotations

import logging
import resource
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from bestguess.schemas.job_params import FinetuneParams
from bestguess.schemas.report import REPORT_FILE
from jobs.artifacts import MODEL, ArtifactDamaged, ArtifactsUnavailable
from jobs.datasets.opening import open_photographs, read_index
from jobs.datasets.records import Datasets
from jobs.errors import DatasetNotFound, ModelNotFound, RecordDamaged
from jobs.queue import FINETUNE
from jobs.registry import Registry
from vision.decode.images import Limits
from vision.decode.sandbox import Cost
from vision.networks import transfer_learning
from vision.networks.registry import NETWORKS
from vision.networks.weights import WeightsError
from worker.chance import seed_of
from worker.checkpoint import Checkpoint
from worker.device import choose_device
from worker.errors import DatasetUnavailable, TrainingError, disk_error
from worker.finetune.cache import ArrayCache
from worker.finetune.network import Base, Parent
from worker.finetune.photos import Photos
from worker.finetune.report import make_report
from worker.finetune.task import Room, Task
from worker.finetune.telling import Telling
from worker.finetune.weights import root_weights
from worker.keeping import insist, keep

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from jobs.artifacts import ArtifactStore
    from jobs.datasets.model import Dataset
    from jobs.datasets.photographs import Photographs
    from jobs.records import Claim
    from jobs.settings import WorkerSettings
    from jobs.store import JobStore
    from worker.execution import Hands
    from worker.finetune.task import Result

log = logging.getLogger(__name__)


class BaseUnavailable(TrainingError):
    """The network to begin with is not there, or was not fine-tuned here; the message says what to do."""

    code = "base-unavailable"


def finetune_photographs(
    settings: WorkerSettings, store: JobStore, artifacts: ArtifactStore, claim: Claim, hands: Hands
) -> dict[str, Any]:
    """Run the claimed job and return its result.

    Raises:
        TrainingError: it cannot succeed.
        StoreUnavailable, ArtifactsUnavailable: Redis or the store stayed away.
        OSError: the disk refused.
        Stopped: it was told to stop.
        LeaseLost: a later owner of the job has published already.
    """
    asked = FinetuneParams.model_validate(claim.params, extra="ignore")
    params = asked.model_copy(update={"seed": seed_of(claim.job_id)}) if asked.seed is None else asked
    dataset = _dataset(store, artifacts, params.dataset_id, hands.should_stop)
    with _told(), artifacts.scratch(f"{claim.job_id}-data") as folder:
        photographs = _photographs(dataset, artifacts, folder, hands.should_stop)
        base = _base(settings, store, artifacts, params.base, folder, hands.should_stop)
        choose_device(settings.worker_device)
        from worker.finetune.training import train  # noqa: PLC0415 - TensorFlow, after the device is chosen

        room = _room(settings, claim.job_id)
        with artifacts.checkpoint(claim.job_id) as place:
            checkpoint = Checkpoint(place.folder, settings.checkpoint_seconds, place.saved)
            telling = Telling(hands.report, hands.should_stop)
            result = train(Task(params, base, photographs), room, telling, checkpoint)
        facts = facts_of(base, photographs, params, result)
        told = params.model_dump(mode="json") | {"freeze": facts["freeze"]}
        with Photos(photographs, base.root, room.cost, room.limits) as photos:
            report = insist(
                lambda: make_report(claim.job_id, told, photographs, photos, result),
                hands.should_stop,
                "The report waits for the photographs",
            )
    meta = {"job_id": claim.job_id, "params": claim.params} | facts

    def write(folder: Path) -> None:
        result.head.save(folder / MODEL)
        if report:
            (folder / REPORT_FILE).write_text(report.model_dump_json(), encoding="utf-8")

    artifact = keep(lambda: artifacts.publish(claim.job_id, claim.fence, write, meta), hands.should_stop)
    log.info("at most %.2f GiB of memory were in use", facts["peak_memory_bytes"] / 2**30)
    return facts | {"model_id": claim.job_id} | artifact.record()


def facts_of(base: Base, photographs: Photographs, params: FinetuneParams, result: Result) -> dict[str, Any]:
    """Return how good a network is, what it learned from and from where on; weights that are made up are called so."""
    best = result.history[result.best_epoch - 1]
    return {
        "train_accuracy": best.train_accuracy,
        "validation_accuracy": best.validation_accuracy,
        "seed": params.seed,
        "precision": result.precision,
        "training_seconds": round(result.seconds, 2),
        "dataset": {
            "id": photographs.id,
            "name": photographs.name,
            "sha256": photographs.sha256,
            "images": len(photographs.photographs),
            "official": False,
        },
        "classes": list(photographs.classes),
        "train_images": len(result.division.train),
        "validation_images": len(result.division.validation),
        "parent": base.id,
        "root": base.root.id,
        "freeze": transfer_learning.freeze_of(base.root, params.freeze),
        "cut": {"layer": result.cut.layer, "frozen": result.cut.frozen},
        "root_weights": {"origin": base.weights.origin, "hash": base.hash},
        "best_epoch": result.best_epoch,
        "epochs": len(result.history),
        "cached": result.cached,
        "peak_memory_bytes": peak_memory(),
    }


def kept_features(settings: WorkerSettings) -> ArrayCache:
    """Open what is kept on this machine's disk of photographs that went through frozen layers."""
    return ArrayCache(settings.data_dir / "features", settings.features_bytes)


def peak_memory() -> int:
    """Return how many bytes of memory this process had in use at most; a job has a process of its own."""
    unit = 1 if sys.platform == "darwin" else 1024  # getrusage(2)
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def _dataset(store: JobStore, artifacts: ArtifactStore, dataset_id: str, should_stop: Callable[[], bool]) -> Dataset:
    """Find a data set in a store that is there: `scratch` would make the folder of one that is not mounted."""
    try:
        dataset = insist(lambda: Datasets(store).get(dataset_id), should_stop, "The data set waits for Redis")
    except RecordDamaged as error:
        raise DatasetUnavailable(f"{error}. Send it anew.") from error
    except DatasetNotFound as error:
        raise DatasetUnavailable(f"{error}: it was removed. Send it anew.") from error
    with _photographs_there():
        insist(lambda: read_index(dataset, artifacts), should_stop, "The photographs wait for their store")
    return dataset


def _photographs(
    dataset: Dataset, artifacts: ArtifactStore, folder: Path, should_stop: Callable[[], bool]
) -> Photographs:
    with _photographs_there():
        return insist(
            lambda: open_photographs(dataset, artifacts, folder), should_stop, "The photographs wait to be fetched"
        )


@contextmanager
def _photographs_there() -> Iterator[None]:
    """Tell what is wrong with photographs that will not be there later either."""
    try:
        yield
    except RecordDamaged as error:
        raise DatasetUnavailable(f"{error}. Send it anew.") from error
    except ArtifactDamaged as error:
        raise DatasetUnavailable(f"The data set is damaged: {error}. Send it anew.") from error
    except ArtifactsUnavailable as error:
        if error.passing:
            raise
        raise DatasetUnavailable(f"The photographs cannot be reached: {error}") from error


def _base(  # noqa: PLR0913, PLR0917 - where to look, for what
    settings: WorkerSettings,
    store: JobStore,
    artifacts: ArtifactStore,
    name: str,
    folder: Path,
    should_stop: Callable[[], bool],
) -> Base:
    """Find the network to begin with, and its weights."""
    if name in NETWORKS:
        return Base(NETWORKS[name], root_weights(NETWORKS[name], settings, should_stop))
    try:
        model = insist(lambda: Registry(store).get(name), should_stop, "The base waits for Redis")
    except RecordDamaged as error:
        raise BaseUnavailable(f"{error}. Choose another base.") from error
    except ModelNotFound as error:
        raise BaseUnavailable(f"{error}: it was removed. Choose another base.") from error
    if model.kind != FINETUNE:
        raise BaseUnavailable(f"{name} was not fine-tuned on photographs. Choose another base.")
    try:
        known = model.finetuned
        root = NETWORKS[known.root]
    except (ValueError, KeyError) as error:
        raise BaseUnavailable(f"{name} is none that this version knows. Choose another base.") from error
    weights = root_weights(root, settings, should_stop)
    cut = transfer_learning.cut_named(root, known.cut.layer)
    try:
        path = insist(
            lambda: artifacts.fetch(model.id, MODEL, model.sha256, folder), should_stop, "The base waits to be fetched"
        )
    except ArtifactsUnavailable as error:
        if error.passing:
            raise
        raise BaseUnavailable(f"The base cannot be reached: {error}") from error
    base = Base(root, weights, Parent(model.id, path, cut, known.classes))
    if base.hash != known.root_weights.hash:
        learned, here = known.root_weights.hash, base.hash
        words = f"{name} was fine-tuned from {root.title} with the weights {learned}, and this worker has {here}."
        raise BaseUnavailable(f"{words} Set BESTGUESS_WEIGHTS to those, or choose another base.")
    return base


def _room(settings: WorkerSettings, job_id: str) -> Room:
    return Room(
        cache=kept_features(settings),
        cost=Cost(settings.decode_seconds, settings.decode_memory_bytes),
        limits=Limits(settings.max_pixels, settings.max_scans),
        precision=settings.precision,
        owner=job_id,
    )


@contextmanager
def _told() -> Iterator[None]:
    """Tell what only an operator can mend as what it is."""
    try:
        yield
    except ArtifactDamaged as error:
        raise BaseUnavailable(f"The file of the base is damaged: {error}. Choose another base.") from error
    except WeightsError as error:
        raise BaseUnavailable(f"The weights of the base cannot be used: {error}") from error
    except ArtifactsUnavailable as error:  # where it will not pass: the folder for what is fetched could not be made
        known = disk_error(error.__cause__) if isinstance(error.__cause__, OSError) else None
        if error.passing or known is None:
            raise
        raise known from error
