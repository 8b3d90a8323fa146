"""Routes of training jobs: submit, show, follow, cancel and remove them."""

from __future__ import annotations

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Header, Path, Query, Request, Response

from app.dependencies import CallerDep, CatalogDep, DatasetsDep, JobsDep, OwnerFilterDep, RecordDep, require_scope
from app.openapi import EVENT_STREAM, problems
from app.responses import EVENT_STREAM_TYPE, preferred_media_type, stream_events
from app.services.job_checks import check_finetune
from bestguess import schemas
from bestguess.schemas.job_params import FinetuneParams, MnistParams
from bestguess.schemas.jobs import Job, JobStatus
from bestguess.schemas.service import Scope
from jobs.queue import FINETUNE, MNIST_TRAIN

router = APIRouter(prefix="/jobs", tags=["jobs"], dependencies=[require_scope(Scope.TRAIN)])

JSON = "application/json"

JobId = Annotated[str, Path(max_length=64, examples=["job_0198c2b7d1f03a5e8c1d2b4f6a79"])]
IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=255,
        description="a repeated request returns the same job",
    ),
]
EVENT_ID = "^([0-9]{1,19}-[0-9]{1,19})?$"
Limit = Annotated[int, Query(ge=1, le=100, description="maximum number of entries")]


@router.post(
    "/mnist-train",
    status_code=202,
    responses=problems(400, 409, 413, 422, 429, 503),
    summary="Train a small network on handwritten digits",
)
async def train(
    service: JobsDep,
    caller: CallerDep,
    record: RecordDep,
    response: Response,
    params: MnistParams | None = None,
    key: IdempotencyKey = None,
) -> Job:
    """Queue a training job and return it at once; `Location` is its address."""
    params = params or MnistParams()
    job = await service.submit(MNIST_TRAIN, params, owner=caller.owner, origin=record.origin(), idempotency_key=key)
    record.job_id = job.id
    response.headers["Location"] = f"/jobs/{job.id}"
    return job


@router.get("", responses=problems(422, 503), summary="All jobs, newest first")
async def jobs(
    service: JobsDep,
    owner_filter: OwnerFilterDep,
    status: Annotated[JobStatus | None, Query(description="only jobs in this state")] = None,
    limit: Limit = 20,
    after: Annotated[str | None, Query(max_length=64, description="last id of the previous page")] = None,
) -> schemas.Jobs:
    """List your jobs page by page, without their histories; an admin's key lists all jobs."""
    page = await service.store.list(status, limit, after, owner_filter)
    return schemas.Jobs(data=page.jobs, has_more=page.has_more)


@router.get("/{job_id}", responses=problems(404, 409, 422, 503), summary="One job, with its history")
async def job(service: JobsDep, owner_filter: OwnerFilterDep, job_id: JobId) -> Job:
    """Return a job with its progress and history, and at the end its result or its error."""
    return await service.store.get(job_id, owner_filter)


@router.post("/{job_id}/cancel", status_code=202, responses=problems(404, 409, 422, 503), summary="Cancel a job")
async def cancel(service: JobsDep, owner_filter: OwnerFilterDep, job_id: JobId) -> Job:
    """Cancel a job: a queued one at once, a running one within two seconds."""
    return await service.store.cancel(job_id, owner_filter)


@router.delete(
    "/{job_id}",
    status_code=204,
    responses=problems(404, 409, 422, 503),
    summary="Remove a job whose record is damaged",
)
async def remove(service: JobsDep, owner_filter: OwnerFilterDep, job_id: JobId) -> None:
    """Remove a job for which other calls answer 409 `damaged-record`. Other jobs expire some time after their end."""
    await service.store.delete_damaged(job_id, owner_filter)


@router.get(
    "/{job_id}/events",
    response_model=schemas.Events,
    responses=problems(404, 409, 422, 503) | EVENT_STREAM,
    summary="Events of a job, as a page or live",
)
async def events(
    request: Request,
    service: JobsDep,
    owner_filter: OwnerFilterDep,
    job_id: JobId,
    last_event_id: Annotated[
        str | None, Header(pattern=EVENT_ID, description="live: continue after this event")
    ] = None,
    after: Annotated[str | None, Query(pattern=EVENT_ID, description="page: continue after this event")] = None,
    limit: Limit = 100,
) -> Response:
    """Return the events in ascending order; with `Accept: text/event-stream` live, until the job is over."""
    if preferred_media_type(request, (EVENT_STREAM_TYPE, JSON)) == EVENT_STREAM_TYPE:
        await service.store.known(job_id, owner_filter)
        return await stream_events(service.feed, job_id, last_event_id or after)
    page = await service.store.events(job_id, after, limit, owner_filter)
    body = schemas.Events(data=page.events, has_more=page.has_more)
    return Response(body.model_dump_json(), media_type=JSON)


@router.post(
    "/finetune",
    status_code=202,
    responses=problems(400, 404, 409, 413, 422, 429, 503),
    summary="Fine-tune a network on a data set",
)
async def finetune(
    service: JobsDep,
    datasets: DatasetsDep,
    catalog: CatalogDep,
    caller: CallerDep,
    record: RecordDep,
    response: Response,
    params: FinetuneParams,
    key: IdempotencyKey = None,
) -> Job:
    """Queue a fine-tuning job and return it at once; `Location` is its address.

    The first `freeze` weight layers are frozen, the others are trained, and the last one is replaced by a new one for
    the data set's classes. The model appears in `/models` when the job has succeeded.
    """
    job = await service.submit(
        FINETUNE,
        params,
        owner=caller.owner,
        origin=record.origin(),
        idempotency_key=key,
        check=partial(check_finetune, params, datasets, catalog, caller.owner_filter),
    )
    record.job_id = job.id
    response.headers["Location"] = f"/jobs/{job.id}"
    return job
