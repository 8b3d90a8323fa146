"""Networks: all of them, one of them, what it says of an image, and its end."""

from __future__ import annotations

import asyncio
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import FileResponse

from app import described
from app.dependencies import ClassifierDep, GalleryDep, SettingsDep, WhoseDep, needs
from app.inference.model_cache import network_of
from app.inference.model_slot import ModelSlot
from app.openapi import IMAGE_BODY, KERAS_FILE, PICTURE, REPORT, problems
from app.responses import SentFile
from app.routes.classify import MEDIA_TYPES, wanted_kind
from app.routes.classify import classify as classify_image
from app.routes.params import ModelId, QuestionOfDep
from bestguess import schemas
from bestguess.schemas.report import Report
from bestguess.schemas.service import Scope
from jobs.artifacts import MODEL, ArtifactDamaged
from vision.pictures.report import picture

router = APIRouter(prefix="/models", tags=["models"])

SEE, ASK, OWN = [needs(Scope.CLASSIFY, Scope.TRAIN)], [needs(Scope.CLASSIFY)], [needs(Scope.TRAIN)]
SORT = "`created_at`: pretrained networks, then the newest first; `test_accuracy`: the best first"


@router.get("", dependencies=SEE, responses=problems(422), summary="Every network that can be asked")
async def models(
    gallery: GalleryDep,
    whose: WhoseDep,
    sort: Annotated[Literal["created_at", "test_accuracy"], Query(description=SORT)] = "created_at",
) -> schemas.Models:
    """List the networks: the pretrained ones, and each that a job has trained, with how and how well."""
    found, aliases, trouble = await gallery.trained(sort, whose)
    trained = [described.trained(model, aliases, gallery.in_memory(model)) for model in found]
    pretrained = [described.pretrained(served, gallery.engine) for served in gallery.engine.slots.values()]
    data = pretrained + trained if sort == "created_at" else trained + pretrained
    return schemas.Models(data=data, trouble=trouble)


@router.get(
    "/{model_id}", dependencies=SEE, responses=problems(404, 409, 422, 503), summary="One network, layer by layer"
)
async def model(gallery: GalleryDep, whose: WhoseDep, model_id: ModelId) -> schemas.ModelDetail:
    """Describe one network with each of its weight layers, and with its report where it was trained here."""
    found = await gallery.find(model_id, whose)
    if isinstance(found, ModelSlot):
        return described.detail(described.pretrained(found, gallery.engine), found.network)
    facts = described.trained(found, await gallery.registry.aliases(whose), gallery.in_memory(found))
    report, trouble = await gallery.report_or_trouble(found)
    return described.detail(facts, network_of(found), report, trouble)


@router.delete(
    "/{model_id}", dependencies=OWN, status_code=204, responses=problems(404, 409, 422, 503), summary="Remove a network"
)
async def remove(gallery: GalleryDep, whose: WhoseDep, model_id: ModelId) -> None:
    """Remove a network that was trained here, with its files and every alias that names it. Its job stays."""
    await gallery.remove(model_id, whose)


@router.post(
    "/{model_id}/classify",
    dependencies=ASK,
    response_model=schemas.Classification,
    responses=problems(400, 404, 413, 415, 422, 429, 503, 504) | PICTURE,
    openapi_extra=IMAGE_BODY,
    summary="What does this network say?",
)
async def classify(
    request: Request, classifier: ClassifierDep, settings: SettingsDep, question: QuestionOfDep
) -> Response:
    """Answer as `/classify` does: a photo for a pretrained or fine-tuned network, for others trained here a digit."""
    return await classify_image(request, classifier, settings, question)


@router.get(
    "/{model_id}/download",
    dependencies=SEE,
    response_class=FileResponse,
    responses=problems(404, 409, 422, 503) | KERAS_FILE,
    summary="A trained network as a file",
)
async def download(gallery: GalleryDep, whose: WhoseDep, model_id: ModelId) -> SentFile:
    """Give the `.keras` file, which `keras.models.load_model` reads."""
    found = await gallery.find_trained(model_id, whose, "there is no file of it to download")
    path = await gallery.file(found, MODEL)
    headers = {"ETag": f'"{found.sha256}"'}
    return SentFile(path, headers=headers, media_type="application/zip", filename=f"{found.id}.keras")


@router.get(
    "/{model_id}/report",
    dependencies=SEE,
    response_model=Report,
    responses=problems(404, 409, 422, 503) | REPORT,
    summary="How well a trained network does",
)
async def report(request: Request, gallery: GalleryDep, whose: WhoseDep, model_id: ModelId) -> Response:
    """Report on a trained network: confusion matrix, precision and recall, worst mistakes, learning curve.

    As JSON, or as a picture for a slide where `Accept` asks for PNG or SVG.
    """
    body = await gallery.report(await gallery.find_trained(model_id, whose, "its authors report on it"))
    kind = wanted_kind(request)
    if kind is None:
        return Response(body, media_type="application/json")
    try:
        known = Report.model_validate_json(body)
    except ValueError as error:
        raise ArtifactDamaged(f"The report on {model_id} cannot be read by this version") from error
    drawn = await asyncio.to_thread(picture.draw, known, kind)
    return Response(drawn, media_type=MEDIA_TYPES[kind])
