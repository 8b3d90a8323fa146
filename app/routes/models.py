"""Routes of the models and of the aliases of trained ones."""

from __future__ import annotations

import asyncio
from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query, Request, Response
from fastapi.responses import FileResponse

from app.dependencies import CatalogDep, ModelId, OwnerFilterDep, QuestionForModelDep, require_scope
from app.inference.model_cache import network_of
from app.inference.model_slot import ModelSlot
from app.openapi import IMAGE_BODY, KERAS_FILE, PICTURE, REPORT, problems
from app.presenters import present_model_detail, present_pretrained, present_trained
from app.responses import RemovableFileResponse, preferred_media_type
from app.routes.classify import KINDS, MEDIA_TYPES, OFFERED
from app.routes.classify import classify as classify_image
from bestguess import schemas
from bestguess.schemas.report import Report
from bestguess.schemas.service import Scope
from jobs.aliases import OURS
from jobs.artifacts import MODEL, ArtifactDamaged
from vision.pictures import report as report_picture

router = APIRouter(prefix="/models", tags=["models"])

READ = [require_scope(Scope.CLASSIFY, Scope.TRAIN)]
CLASSIFY = [require_scope(Scope.CLASSIFY)]
REMOVE = [require_scope(Scope.TRAIN)]
SET_ALIAS = [require_scope(Scope.ADMIN)]

SORT = "`created_at`: pretrained networks, then newest first; `test_accuracy`: best first"

# The pattern is for the OpenAPI document only: `jobs.aliases` refuses other names with a better message.
AliasName = Annotated[
    str,
    Path(
        max_length=64,
        examples=["production"],
        description="a-z, 0-9, '.', '_' and '-'",
        json_schema_extra={"pattern": "^[a-z0-9][a-z0-9._-]*$", "not": {"enum": sorted(OURS)}},
    ),
]


@router.get("/aliases", dependencies=READ, responses=problems(503), summary="All aliases")
async def aliases(catalog: CatalogDep, owner_filter: OwnerFilterDep) -> schemas.Aliases:
    """List the aliases of your networks; `latest` and `best` (by test accuracy) are set automatically."""
    found = await catalog.registry.aliases(owner_filter)
    return schemas.Aliases(data=[schemas.Alias(name=name, model_id=found[name]) for name in sorted(found)])


@router.put(
    "/aliases/{name}",
    dependencies=SET_ALIAS,
    responses=problems(400, 404, 409, 413, 422, 503),
    summary="Create or move an alias",
)
async def set_alias(catalog: CatalogDep, name: AliasName, wanted: schemas.SetAlias) -> schemas.Alias:
    """Create an alias, or move it to another network. It works wherever a network's id does."""
    model = await catalog.set_alias(name, wanted.model_id)
    return schemas.Alias(name=name, model_id=model.id)


@router.delete(
    "/aliases/{name}",
    dependencies=SET_ALIAS,
    status_code=204,
    responses=problems(404, 409, 422, 503),
    summary="Remove an alias",
)
async def drop_alias(catalog: CatalogDep, name: AliasName) -> None:
    """Remove an alias; its network stays."""
    await catalog.registry.drop_alias(name)


@router.get("", dependencies=READ, responses=problems(422), summary="All networks")
async def models(
    catalog: CatalogDep,
    owner_filter: OwnerFilterDep,
    sort: Annotated[Literal["created_at", "test_accuracy"], Query(description=SORT)] = "created_at",
) -> schemas.Models:
    """List the pretrained networks and those that jobs have trained, with their parameters and accuracies."""
    found, aliases, trouble = await catalog.list_trained(sort, owner_filter)
    trained = [present_trained(model, aliases, catalog.in_memory(model)) for model in found]
    pretrained = [present_pretrained(slot, catalog.networks) for slot in catalog.networks.slots.values()]
    data = pretrained + trained if sort == "created_at" else trained + pretrained
    return schemas.Models(data=data, trouble=trouble)


@router.get(
    "/{model_id}", dependencies=READ, responses=problems(404, 409, 422, 503), summary="One network, layer by layer"
)
async def model(catalog: CatalogDep, owner_filter: OwnerFilterDep, model_id: ModelId) -> schemas.ModelDetail:
    """Return a network with its weight layers and, if it was trained here, its report."""
    found = await catalog.find(model_id, owner_filter)
    if isinstance(found, ModelSlot):
        return present_model_detail(present_pretrained(found, catalog.networks), found.network)
    presented = present_trained(found, await catalog.registry.aliases(owner_filter), catalog.in_memory(found))
    report, trouble = await catalog.try_report(found)
    return present_model_detail(presented, network_of(found), report, trouble)


@router.delete(
    "/{model_id}",
    dependencies=REMOVE,
    status_code=204,
    responses=problems(404, 409, 422, 503),
    summary="Remove a network",
)
async def remove(catalog: CatalogDep, owner_filter: OwnerFilterDep, model_id: ModelId) -> None:
    """Remove a trained network, its files and its aliases. Its job stays."""
    await catalog.remove(model_id, owner_filter)


@router.post(
    "/{model_id}/classify",
    dependencies=CLASSIFY,
    response_model=schemas.Classification,
    responses=problems(400, 404, 413, 415, 422, 429, 503, 504) | PICTURE,
    openapi_extra=IMAGE_BODY,
    summary="What does this network see in the picture?",
)
async def classify(request: Request, question: QuestionForModelDep) -> Response:
    """Classify as `/classify` does: a photo with a pretrained or fine-tuned network, a digit with a digit network."""
    return await classify_image(request, question)


@router.get(
    "/{model_id}/download",
    dependencies=READ,
    response_class=FileResponse,
    responses=problems(404, 409, 422, 503) | KERAS_FILE,
    summary="Download a trained network",
)
async def download(catalog: CatalogDep, owner_filter: OwnerFilterDep, model_id: ModelId) -> RemovableFileResponse:
    """Return the `.keras` file, which `keras.models.load_model` reads."""
    found = await catalog.find_trained(model_id, owner_filter, "there is no file of it to download")
    path = await catalog.fetch_file(found, MODEL)
    headers = {"ETag": f'"{found.sha256}"'}
    return RemovableFileResponse(path, headers=headers, media_type="application/zip", filename=f"{found.id}.keras")


@router.get(
    "/{model_id}/report",
    dependencies=READ,
    response_model=Report,
    responses=problems(404, 409, 422, 503) | REPORT,
    summary="Report on a trained network",
)
async def report(request: Request, catalog: CatalogDep, owner_filter: OwnerFilterDep, model_id: ModelId) -> Response:
    """Return the report: confusion matrix, precision and recall, worst mistakes, learning curve.

    It is JSON, or a picture for a slide if `Accept` asks for PNG or SVG.
    """
    body = await catalog.read_report(await catalog.find_trained(model_id, owner_filter, "its authors report on it"))
    kind = KINDS.get(preferred_media_type(request, OFFERED))  # None is JSON
    if kind is None:
        return Response(body, media_type="application/json")
    try:
        parsed = Report.model_validate_json(body)
    except ValueError as error:
        raise ArtifactDamaged(f"The report on {model_id} cannot be read by this version") from error
    drawn = await asyncio.to_thread(report_picture.draw, parsed, kind)
    return Response(drawn, media_type=MEDIA_TYPES[kind])
