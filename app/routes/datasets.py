"""Routes of data sets: create, extend, show and remove them."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query, Request, Response

from app.dependencies import CallerDep, DatasetsDep, OwnerFilterDep, require_scope
from app.errors import Invalid
from app.openapi import ARCHIVE_BODY, JPEG, LABELLED_BODY, NAME, problems
from app.presenters import present_added, present_dataset, present_dataset_brief
from bestguess import schemas
from bestguess.schemas.service import Scope
from jobs.datasets.archives.names import hides

router = APIRouter(prefix="/datasets", tags=["datasets"], dependencies=[require_scope(Scope.TRAIN)])

DatasetId = Annotated[str, Path(max_length=64, examples=["ds_0198c2b7d1f03a5e8c1d2b4f6a79"])]
Sha256 = Annotated[str, Path(pattern="^[0-9a-f]{64}$", description="SHA-256 of a photograph of this data set")]
Name = Annotated[
    str | None,
    Query(
        max_length=100,
        pattern=r"\S",
        json_schema_extra={"pattern": NAME},  # the route checks the rest, with an error that says why
        description="display name; by default that of the archive",
    ),
]


@router.post(
    "",
    status_code=201,
    responses=problems(400, 409, 413, 415, 422, 429, 503, 504),
    openapi_extra=ARCHIVE_BODY,
    summary="Create a data set from an archive with a folder for each class",
)
async def create(
    request: Request, service: DatasetsDep, caller: CallerDep, response: Response, name: Name = None
) -> schemas.DatasetDetail:
    """Create a data set from a zip, tar or tar.gz with a folder for each class; a common parent folder is ignored.

    Each file is decoded as by `/classify`. A file that cannot be decoded is `rejected` with its reason; the others are
    kept. Without a body an empty data set is created, to which photographs are added with their labels.
    """
    if name and hides(name):
        raise Invalid("query.name: use characters that can be seen.")
    if has_body(request):
        created = await service.create_from_archive(request, name, caller.owner)
    elif name:
        created = await service.create_empty(name, caller.owner)
    else:
        raise Invalid("query.name: an empty data set needs one. Or send an archive in the form's field 'file'.")
    response.headers["Location"] = f"/datasets/{created.id}"
    return present_dataset(created)


@router.get("", responses=problems(422, 503), summary="All data sets, newest first")
async def datasets(
    service: DatasetsDep,
    owner_filter: OwnerFilterDep,
    limit: Annotated[int, Query(ge=1, le=100, description="maximum number of entries")] = 20,
    after: Annotated[str | None, Query(max_length=64, description="last id of the previous page")] = None,
) -> schemas.DatasetList:
    """List your data sets page by page; an admin's key lists all data sets."""
    page = await service.records.list(limit, after, owner_filter)
    return schemas.DatasetList(data=[present_dataset_brief(one) for one in page.datasets], has_more=page.has_more)


@router.get("/{dataset_id}", responses=problems(404, 409, 422, 503), summary="One data set, class by class")
async def dataset(service: DatasetsDep, owner_filter: OwnerFilterDep, dataset_id: DatasetId) -> schemas.DatasetDetail:
    """Return its classes in figures, the rejected files with reasons, and the duplicate photographs."""
    return present_dataset(await service.records.get(dataset_id, owner_filter))


@router.post(
    "/{dataset_id}/images",
    responses=problems(400, 404, 409, 413, 415, 422, 429, 503, 504),
    openapi_extra=LABELLED_BODY,
    summary="Add photographs of one class",
)
async def add(
    request: Request, service: DatasetsDep, owner_filter: OwnerFilterDep, dataset_id: DatasetId
) -> schemas.DatasetAdded:
    """Add up to 1,000 files, all of the class `label`. Sending the same files again changes nothing.

    A data set in use by a job cannot be changed: 409 until the job is over.
    """
    return present_added(await service.add_photographs(request, dataset_id, owner_filter))


@router.get(
    "/{dataset_id}/images/{sha256}",
    response_class=Response,
    responses=problems(404, 409, 422, 503) | JPEG,
    summary="Thumbnail of a photograph",
)
async def picture(
    service: DatasetsDep,
    owner_filter: OwnerFilterDep,
    dataset_id: DatasetId,
    sha256: Sha256,
    size: Annotated[int, Query(ge=16, le=512, description="maximum length of the longer side in pixels")] = 96,
) -> Response:
    """Return a photograph as a JPEG, upright and no larger than `size`."""
    jpeg = await service.thumbnail(await service.records.get(dataset_id, owner_filter), sha256, size)
    headers = {"ETag": f'"{sha256}-{size}"', "Cache-Control": "private, max-age=3600"}
    return Response(jpeg, media_type="image/jpeg", headers=headers)


@router.delete("/{dataset_id}", status_code=204, responses=problems(404, 409, 422, 503), summary="Remove a data set")
async def remove(service: DatasetsDep, owner_filter: OwnerFilterDep, dataset_id: DatasetId) -> None:
    """Remove a data set with its files. Models trained on it stay; 409 while a job uses it."""
    await service.remove(dataset_id, owner_filter)


def has_body(request: Request) -> bool:
    """Return whether the request has a body."""
    length = request.headers.get("Content-Length", "0")
    return "Transfer-Encoding" in request.headers or length != "0" or "Content-Type" in request.headers
