"""What networks are, written down for the wire: pretrained ones and those that jobs have trained."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from typing import TYPE_CHECKING

from PIL import Image

from app.inference.kinds import facts_of, network_of
from bestguess import schemas
from bestguess.schemas.job_params import FinetuneParams, MnistParams
from jobs.artifacts import MODEL
from jobs.queue import FINETUNE, MNIST_TRAIN
from vision.pictures.files import data_uri

if TYPE_CHECKING:
    from collections.abc import Mapping

    from app.inference.classifier import Classified
    from app.inference.engine import Choice, Engine
    from app.inference.model_slot import Served
    from app.services.datasets import Added
    from bestguess.schemas.report import Report
    from jobs.datasets.model import Dataset, Listed
    from jobs.trained import TrainedModel
    from vision.decode.images import Pixels
    from vision.networks.registry import Network
    from vision.networks.weights import Origin


NOT_YET = ("precision", "device")  # what only a network in memory has
DEFAULT_PARAMS = {
    MNIST_TRAIN: MnistParams().model_dump(mode="json"),
    FINETUNE: FinetuneParams(dataset_id="").model_dump(mode="json"),
}
FINETUNED_FIELDS = {"classes", "parent", "root", "root_weights", "freeze", "best_epoch", "epochs"}


def present_statuses(engine: Engine) -> list[schemas.ModelStatus]:
    """Say how far each pretrained network is that is loaded at the start, or was asked for."""
    return [present_status(served, engine) for served in engine.in_view]


def present_status(served: Served, engine: Engine) -> schemas.ModelStatus:
    """Say how far a network is, and who answers for it until then."""
    stand_in = engine.stand_in
    covered = served is engine.primary and not served.ready and stand_in is not None and stand_in.ready
    by = stand_in.network.id if covered and stand_in else None
    return schemas.ModelStatus(id=served.network.id, **asdict(served.report), answered_by=by)


def present_pretrained(served: Served, engine: Engine) -> schemas.Model:
    """Describe a pretrained network."""
    return schemas.Model(
        **_network_fields(served.network),
        status=present_status(served, engine),
        weights=_present_weights(served),
        **_hardware_fields(served),
    )


def present_trained(model: TrainedModel, aliases: Mapping[str, str], loaded: Served | None) -> schemas.Model:
    """Describe a network that a job has trained; `aliases` are all there are, and whom each names.

    `loaded` is it in memory, where it is there at this moment.
    """
    words = loaded.report.detail if loaded else "It is loaded when it is first asked."
    ready = schemas.ModelStatus(id=model.id, state="ready", detail=words)
    facts = facts_of(model)
    origin: Origin = "random" if facts and facts.root_weights.origin == "random" else "trained"
    weights = schemas.WeightsInfo(origin=origin, file=MODEL, hash=f"sha256:{model.sha256}", verified=True)
    return schemas.Model(
        **_network_fields(network_of(model)),
        aliases=sorted(name for name, model_id in aliases.items() if model_id == model.id),
        status=ready,
        weights=weights,
        **_hardware_fields(loaded),
        trained=_present_training(model),
    )


def present_model_detail(
    model: schemas.Model, network: Network, report: Report | None = None, trouble: str | None = None
) -> schemas.ModelDetail:
    """Add a network's layers to its description, and its report where it has one, or why that cannot be had."""
    layers = [schemas.LayerInfo.model_validate(asdict(layer)) for layer in network.layers]
    return schemas.ModelDetail(**dict(model), layers=layers, report=report, trouble=trouble)


def _network_fields(network: Network) -> dict[str, object]:
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


def _hardware_fields(served: Served | None) -> dict[str, str | None]:
    hardware = served.hardware if served else None
    return {"precision": hardware.precision, "device": hardware.device} if hardware else dict.fromkeys(NOT_YET)


def _present_training(model: TrainedModel) -> schemas.TrainedInfo:
    defaults, facts = DEFAULT_PARAMS.get(model.kind, {}), facts_of(model)
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
        **(facts.model_dump(include=FINETUNED_FIELDS) if facts else {}),
    )


def _present_weights(served: Served) -> schemas.WeightsInfo | None:
    found = served.weights
    if found is None:
        return None
    name = found.path.name if found.path else None
    return schemas.WeightsInfo(origin=found.origin, file=name, hash=found.hash, verified=found.verified)


# Data sets, written down for the wire.
def present_dataset_brief(dataset: Listed) -> schemas.DatasetBrief:
    """Say the most important."""
    return schemas.DatasetBrief.model_validate(_dataset_fields(dataset))


def present_dataset(dataset: Dataset) -> schemas.DatasetDetail:
    """Say all that its record knows."""
    return schemas.DatasetDetail.model_validate(_dataset_fields(dataset))


def present_added(found: Added) -> schemas.DatasetAdded:
    """Say what came of adding photographs."""
    return schemas.DatasetAdded(
        added=found.added,
        unchanged=found.unchanged,
        rejected=[schemas.RejectedFile(path=one.path, reason=one.reason) for one in found.rejected],
        dataset=present_dataset(found.dataset),
    )


def _dataset_fields(dataset: Listed) -> dict[str, object]:
    return dataset.model_dump(exclude={"parts", "owner"}) | {"duplicates_between_classes": dataset.mixed}


# From what classifies to what goes over the wire.
async def present_classification(answer: Classified, *, show_input: bool = False) -> schemas.Classification:
    """Write an answer down, with the picture that the network saw where that is wanted, as a PNG in a data URI."""
    seconds = answer.seconds
    seen = await asyncio.to_thread(data_uri, image_from_pixels(answer.picture.views[0]), "PNG") if show_input else None
    return schemas.Classification(
        model=present_answered_by(answer.choice),
        predictions=[schemas.Prediction(**asdict(guess)) for guess in answer.guesses],
        image=schemas.ImageInfo(width=answer.picture.width, height=answer.picture.height, format=answer.picture.format),
        timing_ms=schemas.Timing(**{name: round(1000 * value, 2) for name, value in asdict(seconds).items()}),
        input=seen,
    )


def present_answered_by(choice: Choice) -> schemas.AnsweredBy:
    """Say who answered, and for whom."""
    served = choice.served
    assert served.weights is not None  # noqa: S101 - what answers is loaded
    assert served.hardware is not None  # noqa: S101
    return schemas.AnsweredBy(
        id=served.network.id,
        weights=served.weights.origin,
        precision=served.hardware.precision,
        device=served.hardware.device,
        stand_in_for=choice.stand_in_for,
        stand_in_reason=choice.reason,
    )


def image_from_pixels(pixels: Pixels) -> Image.Image:
    """Make an image of (height, width, 1 or 3) pixels."""
    return Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels)
