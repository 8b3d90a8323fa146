"""Checks of a job's parameters against what is stored, before the job is queued instead of when it runs."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from app.errors import Conflict, Invalid
from app.inference.model_slot import ModelSlot
from app.services.dataset_ingest import MIN_CLASSES
from app.services.jobs import CheckedJob
from bestguess.schemas.job_params import MOST_IMAGES
from jobs.queue import FINETUNE
from vision.networks import transfer_learning
from vision.networks.registry import NETWORKS
from vision.networks.weights import named

if TYPE_CHECKING:
    from pathlib import Path

    from app.inference.classifier import Networks
    from app.services.datasets import DatasetService
    from app.services.models import ModelCatalog
    from bestguess.schemas.job_params import FinetuneParams
    from vision.networks.registry import Network


async def check_finetune(
    params: FinetuneParams, datasets: DatasetService, catalog: ModelCatalog, owner_filter: str
) -> CheckedJob:
    """Return the parameters for the worker, with the base's id in place of an alias, and the data set's version.

    Raises:
        DatasetNotFound, NotFound: there is no such data set or base, or another owner has it.
        Conflict: the base's weights are absent, and a worker could not download them either.
        Invalid: the base cannot be fine-tuned or has fewer layers, or the data set does not fit the parameters.
    """
    dataset = await datasets.records.get(params.dataset_id, owner_filter)
    base, root = await _find_base(params.base, catalog, owner_filter)
    _check_weights(root, catalog.networks)
    try:
        transfer_learning.freeze_of(root, params.freeze)
    except ValueError as error:
        raise Invalid(f"body.freeze: {error}.") from error
    names = [each.name for each in dataset.classes if each.images]
    if len(names) < MIN_CLASSES:
        words = "has photographs of one class only" if names else "has no photographs yet"
        raise Invalid(
            f"body.dataset_id: {dataset.id} {words}. Add some of another class: there is nothing to tell apart."
        )
    if isinstance(params.class_weights, dict) and (unknown := sorted(set(params.class_weights) - set(names))):
        raise Invalid(
            f"body.class_weights: there is no class {unknown[0][:100]!r}. The classes are {', '.join(names)}."
        )
    if dataset.images * params.epochs > MOST_IMAGES:
        most = max(1, MOST_IMAGES // dataset.images)
        raise Invalid(f"body.epochs: with {dataset.images:,} photographs at most {most:,} epochs are accepted.")
    return CheckedJob(params.model_copy(update={"base": base}), (dataset.id, dataset.version))


async def _find_base(name: str, catalog: ModelCatalog, owner_filter: str) -> tuple[str, Network]:
    if name in NETWORKS:
        return name, NETWORKS[name]
    found = await catalog.find(name, owner_filter)
    if isinstance(found, ModelSlot) or found.kind != FINETUNE or str(found.result.get("root")) not in NETWORKS:
        bases = ", ".join(NETWORKS)
        raise Invalid(f"body.base: {name} knows digits, not photographs. Name {bases}, or a model fine-tuned here.")
    return found.id, NETWORKS[found.result["root"]]


def _check_weights(root: Network, networks: Networks) -> None:
    """Refuse what a worker would fail with; weights that nobody has looked for yet it downloads itself."""
    slot, file = networks.slots.get(root.id), root.weights
    if file and (path := named(file, networks.weights)) and not _is_file(path):
        action = f"Put {path.name[:80]} where BESTGUESS_WEIGHTS says, or name another base."
        raise Conflict(f"body.base: {root.title}'s weights are not here. {action}")
    # What has weights and could not be loaded here, for want of memory, say, a worker may well load.
    if slot in networks.listed and slot.status.trouble and not slot.weights:
        raise Conflict(f"body.base: {networks.explain(slot)} Or name another base.")


def _is_file(path: Path) -> bool:
    with suppress(OSError):  # a folder that may not be entered, or a name that no file can have
        return path.is_file()
    return False
