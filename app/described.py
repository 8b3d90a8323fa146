"""What networks are, written down for the wire: pretrained ones and those that jobs have trained."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from app.inference.model_cache import finetuned_facts, network_of
from bestguess import schemas
from bestguess.schemas.job_params import FinetuneParams, MnistParams
from jobs.artifacts import MODEL
from jobs.queue import FINETUNE, MNIST_TRAIN

if TYPE_CHECKING:
    from collections.abc import Mapping

    from app.inference.classifier import Networks
    from app.inference.model_slot import ModelSlot
    from bestguess.schemas.report import Report
    from jobs.trained import TrainedModel
    from vision.networks.registry import Network
    from vision.networks.weights import Origin

NOT_YET = ("precision", "device")  # what only a network in memory has
DEFAULTS = {
    MNIST_TRAIN: MnistParams().model_dump(mode="json"),
    FINETUNE: FinetuneParams(dataset_id="").model_dump(mode="json"),
}
FINETUNED = {"classes", "parent", "root", "root_weights", "freeze", "best_epoch", "epochs"}


def statuses(engine: Networks) -> list[schemas.ModelStatus]:
    """Say how far each pretrained network is that is loaded at the start, or was asked for."""
    return [status(served, engine) for served in engine.in_view]


def status(served: ModelSlot, engine: Networks) -> schemas.ModelStatus:
    """Say how far a network is, and who answers for it until then."""
    stand_in = engine.stand_in
    covered = served is engine.primary and not served.ready and stand_in is not None and stand_in.ready
    by = stand_in.network.id if covered and stand_in else None
    return schemas.ModelStatus(id=served.network.id, **asdict(served.status), answered_by=by)


def pretrained(served: ModelSlot, engine: Networks) -> schemas.Model:
    """Describe a pretrained network."""
    return schemas.Model(
        **_facts(served.network),
        status=status(served, engine),
        weights=_weights(served),
        **_hardware(served),
    )


def trained(model: TrainedModel, aliases: Mapping[str, str], loaded: ModelSlot | None) -> schemas.Model:
    """Describe a network that a job has trained; `aliases` are all there are, and whom each names.

    `loaded` is it in memory, where it is there at this moment.
    """
    words = loaded.status.detail if loaded else "It is loaded when it is first asked."
    ready = schemas.ModelStatus(id=model.id, state="ready", detail=words)
    facts = finetuned_facts(model)
    origin: Origin = "random" if facts and facts.root_weights.origin == "random" else "trained"
    weights = schemas.WeightsInfo(origin=origin, file=MODEL, hash=f"sha256:{model.sha256}", verified=True)
    return schemas.Model(
        **_facts(network_of(model)),
        aliases=sorted(name for name, model_id in aliases.items() if model_id == model.id),
        status=ready,
        weights=weights,
        **_hardware(loaded),
        trained=_training(model),
    )


def detail(
    model: schemas.Model, network: Network, report: Report | None = None, trouble: str | None = None
) -> schemas.ModelDetail:
    """Add a network's layers to its description, and its report where it has one, or why that cannot be had."""
    layers = [schemas.LayerInfo.model_validate(asdict(layer)) for layer in network.layers]
    return schemas.ModelDetail(**dict(model), layers=layers, report=report, trouble=trouble)


def _facts(network: Network) -> dict[str, object]:
    return {
        "id": network.id,
        "title": network.title,
        "about": network.about,
        "classes": len(network.labels()),
        "parameters": network.parameters,
        "weight_layers": len(network.layers),
        "input_size": [network.input_size, network.input_size, network.channels],
        "preprocessing": network.preprocessing,
    }


def _hardware(served: ModelSlot | None) -> dict[str, str | None]:
    hardware = served.hardware if served else None
    return {"precision": hardware.precision, "device": hardware.device} if hardware else dict.fromkeys(NOT_YET)


def _training(model: TrainedModel) -> schemas.TrainedInfo:
    defaults, facts = DEFAULTS.get(model.kind, {}), finetuned_facts(model)
    return schemas.TrainedInfo(
        job_id=model.job_id,
        kind=model.kind,
        created_at=model.created_at,
        dataset=model.dataset,
        train_accuracy=model.train_accuracy,
        test_accuracy=model.test_accuracy,
        training_seconds=model.training_seconds,
        params=model.params,
        changed_params={key: value for key, value in model.params.items() if value != defaults.get(key)},
        seed=model.seed,
        bytes=model.bytes,
        sha256=model.sha256,
        validation_accuracy=model.validation_accuracy,
        **(facts.model_dump(include=FINETUNED) if facts else {}),
    )


def _weights(served: ModelSlot) -> schemas.WeightsInfo | None:
    found = served.weights
    if found is None:
        return None
    name = found.path.name if found.path else None
    return schemas.WeightsInfo(origin=found.origin, file=name, hash=found.hash, verified=found.verified)
