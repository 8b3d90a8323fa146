"""Presenters: models, data sets and classifications as the schemas that go over the wire."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from typing import TYPE_CHECKING

from PIL import Image

from app.inference.model_cache import finetuned_facts, network_of
from bestguess import schemas
from bestguess.schemas.job_params import FinetuneParams, MnistParams
from jobs.artifacts import MODEL
from jobs.queue import FINETUNE, MNIST_TRAIN
from vision.pictures import chart
from vision.pictures.render import data_uri

if TYPE_CHECKING:
    from collections.abc import Mapping

    from app.inference.classifier import Classified, Networks
    from app.inference.model_slot import ModelSlot
    from app.services.datasets import Added
    from bestguess.schemas.report import Report
    from jobs.datasets.model import Dataset, Listed
    from jobs.trained import TrainedModel
    from vision.decode.images import Pixels
    from vision.networks.registry import Network
    from vision.networks.weights import Origin

DEFAULT_PARAMS = {
    MNIST_TRAIN: MnistParams().model_dump(mode="json"),
    FINETUNE: FinetuneParams(dataset_id="").model_dump(mode="json"),
}
FINETUNED_FIELDS = {"classes", "parent", "root", "root_weights", "freeze", "best_epoch", "epochs"}


def present_status(slot: ModelSlot, networks: Networks) -> schemas.ModelStatus:
    """Return how far loading a network is, and which one answers in its place."""
    stand_in = networks.stand_in
    covered = slot is networks.primary and not slot.ready and stand_in is not None and stand_in.ready
    answered_by = stand_in.network.id if covered and stand_in else None
    return schemas.ModelStatus(id=slot.network.id, **asdict(slot.status), answered_by=answered_by)


def present_pretrained(slot: ModelSlot, networks: Networks) -> schemas.Model:
    """Return a pretrained network."""
    found = slot.weights
    weights = None
    if found is not None:
        file = found.path.name if found.path else None
        weights = schemas.WeightsInfo(origin=found.origin, file=file, hash=found.hash, verified=found.verified)
    return schemas.Model(
        **_network_fields(slot.network),
        status=present_status(slot, networks),
        weights=weights,
        **_hardware_fields(slot),
    )


def present_trained(model: TrainedModel, aliases: Mapping[str, str], loaded: ModelSlot | None) -> schemas.Model:
    """Return a network that a job has trained.

    Args:
        model: its record.
        aliases: every alias, and the id of the model that it names.
        loaded: the network, if it is in memory.
    """
    detail = loaded.status.detail if loaded else "It is loaded when it is first asked."
    finetuned = finetuned_facts(model)
    origin: Origin = "random" if finetuned and finetuned.root_weights.origin == "random" else "trained"
    return schemas.Model(
        **_network_fields(network_of(model)),
        aliases=sorted(name for name, model_id in aliases.items() if model_id == model.id),
        status=schemas.ModelStatus(id=model.id, state="ready", detail=detail),
        weights=schemas.WeightsInfo(origin=origin, file=MODEL, hash=f"sha256:{model.sha256}", verified=True),
        **_hardware_fields(loaded),
        trained=_present_training(model),
    )


def present_model_detail(
    model: schemas.Model, network: Network, report: Report | None = None, trouble: str | None = None
) -> schemas.ModelDetail:
    """Return a model with its layers, and with its report or the reason why that is missing."""
    layers = [schemas.LayerInfo.model_validate(asdict(layer)) for layer in network.layers]
    return schemas.ModelDetail(**dict(model), layers=layers, report=report, trouble=trouble)


def present_dataset_brief(dataset: Listed) -> schemas.DatasetBrief:
    """Return a data set as an entry of a list."""
    return schemas.DatasetBrief.model_validate(_dataset_fields(dataset))


def present_dataset(dataset: Dataset) -> schemas.DatasetDetail:
    """Return a data set with its classes, rejected files and duplicates."""
    return schemas.DatasetDetail.model_validate(_dataset_fields(dataset))


def present_added(outcome: Added) -> schemas.DatasetAdded:
    """Return the outcome of adding photographs to a data set."""
    return schemas.DatasetAdded(
        added=outcome.added,
        unchanged=outcome.unchanged,
        rejected=[schemas.RejectedFile(path=one.path, reason=one.reason) for one in outcome.rejected],
        dataset=present_dataset(outcome.dataset),
    )


async def present_classification(answer: Classified, *, show_input: bool = False) -> schemas.Classification:
    """Return a classification; with `show_input`, the pixels that the network saw are added as a PNG."""
    slot = answer.choice.slot
    assert slot.weights is not None  # noqa: S101 - a network that answers is loaded
    assert slot.hardware is not None  # noqa: S101
    picture, seconds = answer.picture, {**answer.stages, "total": answer.total}
    return schemas.Classification(
        model=schemas.AnsweredBy(
            id=slot.network.id,
            weights=slot.weights.origin,
            precision=slot.hardware.precision,
            device=slot.hardware.device,
            stand_in_for=answer.choice.stand_in_for,
            stand_in_reason=answer.choice.reason,
        ),
        predictions=[schemas.Prediction(**asdict(guess)) for guess in answer.guesses],
        image=schemas.ImageInfo(width=picture.width, height=picture.height, format=picture.format),
        timing_ms=schemas.Timing(**{stage: round(1000 * value, 2) for stage, value in seconds.items()}),
        input=await asyncio.to_thread(_png_uri, picture.views[0]) if show_input else None,
    )


def draw_classification(answer: Classified, kind: chart.Kind) -> bytes:
    """Draw the photo beside its predictions, as a PNG or SVG."""
    slot, stand_in_for = answer.choice.slot, answer.choice.stand_in_for
    caption = slot.network.title
    if stand_in_for:
        caption += f", in {stand_in_for.upper()}'s place"
    if slot.weights and slot.weights.origin not in {"imagenet", "trained"}:
        caption += f" · {slot.weights.origin} weights"
    return chart.draw(answer.preview, [(guess.label, guess.score) for guess in answer.guesses], caption, kind)


def _png_uri(pixels: Pixels) -> str:
    """Return (height, width, 1 or 3) pixels as the data URI of a PNG."""
    return data_uri(Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels), "PNG")


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


def _hardware_fields(slot: ModelSlot | None) -> dict[str, str | None]:
    """Return what only a network in memory has."""
    hardware = slot.hardware if slot else None
    if hardware is None:
        return {"precision": None, "device": None}
    return {"precision": hardware.precision, "device": hardware.device}


def _present_training(model: TrainedModel) -> schemas.TrainedInfo:
    defaults, finetuned = DEFAULT_PARAMS.get(model.kind, {}), finetuned_facts(model)
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
        **(finetuned.model_dump(include=FINETUNED_FIELDS) if finetuned else {}),
    )


def _dataset_fields(dataset: Listed) -> dict[str, object]:
    return dataset.model_dump(exclude={"parts", "owner"}) | {"duplicates_between_classes": dataset.mixed}
