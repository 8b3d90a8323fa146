"""Training jobs: queue one, look at it, watch it, cancel it."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Annotated

import mimeparse
from fastapi import APIRouter, Header, Path, Query, Response
from fastapi.responses import StreamingResponse

from app.dependencies import CallerDep, DeskDep, RecordDep, SettingsDep, WhoseDep, needs
from app.errors import Invalid
from app.openapi import EVENT_STREAM, problems
from app.responses import stream
from bestguess import schemas
from bestguess.schemas.job_params import MnistParams
from bestguess.schemas.jobs import Job, JobStatus
from bestguess.schemas.service import Scope
from jobs.queue import MNIST_TRAIN

if TYPE_CHECKING:
    from bestguess.schemas.base import Frozen

router = APIRouter(prefix="/jobs", tags=["jobs"], dependencies=[needs(Scope.TRAIN)])

JSON, SSE = "application/json", "text/event-stream"

JobId = Annotated[str, Path(max_length=64, examples=["job_0198c2b7d1f03a5e8c1d2b4f6a79"])]
Key = Annotated[
    str | None,
    Header(alias="Idempotency-Key", min_length=1, max_length=255, description="the same key and body, the same job"),
]
EVENT = "^([0-9]{1,19}-[0-9]{1,19})?$"
Limit = Annotated[int, Query(ge=1, le=100, description="how many at most")]


@router.post(
    "/mnist-train",
    status_code=202,
    responses=problems(400, 409, 413, 422, 429, 503),
    summary="Train the classic small network on digits",
)
async def train(
    desk: DeskDep,
    settings: SettingsDep,
    caller: CallerDep,
    record: RecordDep,
    response: Response,
    params: MnistParams | None = None,
    key: Key = None,
) -> Job:
    """Queue a training for a worker, and answer with the job at once; `Location` is where it can be watched."""
    params = params or MnistParams()
    wish = idempotency(key, MNIST_TRAIN, params)
    job = await desk.submit(MNIST_TRAIN, params, wish, caller.owner, settings, record.origin())
    record.job_id = job.id
    response.headers["Location"] = f"/jobs/{job.id}"
    return job


@router.get("", responses=problems(422, 503), summary="Every job, the newest first")
async def jobs(
    desk: DeskDep,
    whose: WhoseDep,
    status: Annotated[JobStatus | None, Query(description="only those in this state")] = None,
    limit: Limit = 20,
    after: Annotated[str | None, Query(max_length=64, description="the last id of the page before")] = None,
) -> schemas.Jobs:
    """List your jobs a page at a time, without their histories; an admin's key lists everybody's."""
    page = await desk.store.list(status, limit, after, whose)
    return schemas.Jobs(data=page.jobs, has_more=page.has_more)


@router.get("/{job_id}", responses=problems(404, 409, 422, 503), summary="One job, with its history")
async def job(desk: DeskDep, whose: WhoseDep, job_id: JobId) -> Job:
    """Show how far a job is: progress, history, and at the end its result or its error."""
    return await desk.store.get(job_id, whose)


@router.post("/{job_id}/cancel", status_code=202, responses=problems(404, 409, 422, 503), summary="Stop a job")
async def cancel(desk: DeskDep, whose: WhoseDep, job_id: JobId) -> Job:
    """Ask for the end of a job: a waiting one is cancelled at once, a running one within two seconds."""
    return await desk.store.cancel(job_id, whose)


@router.delete(
    "/{job_id}", status_code=204, responses=problems(404, 409, 422, 503), summary="Remove a job whose record is damaged"
)
async def remove(desk: DeskDep, whose: WhoseDep, job_id: JobId) -> None:
    """Remove a job for which other calls answer 409 `damaged-record`. Any other is removed some time after its end."""
    await desk.store.delete_damaged(job_id, whose)


@router.get(
    "/{job_id}/events",
    response_model=schemas.Events,
    responses=problems(404, 409, 422, 503) | EVENT_STREAM,
    summary="What happened to a job, as a page or live",
)
async def events(
    desk: DeskDep,
    whose: WhoseDep,
    job_id: JobId,
    accept: Annotated[str, Header(include_in_schema=False)] = JSON,
    last_event_id: Annotated[str | None, Header(pattern=EVENT, description="live: go on after this event")] = None,
    after: Annotated[str | None, Query(pattern=EVENT, description="a page: go on after this event")] = None,
    limit: Limit = 100,
) -> Response:
    """Give the events, ascending; with `Accept: text/event-stream` live, until the job is over."""
    if wants_stream(accept):
        await desk.store.known(job_id, whose)
        live = await stream(desk.feed, job_id, last_event_id or after)
        return StreamingResponse(live, media_type=SSE, headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"})
    page = await desk.store.events(job_id, after, limit, whose)
    body = schemas.Events(data=page.events, has_more=page.has_more)
    return Response(body.model_dump_json(), media_type=JSON)


def wants_stream(accept: str) -> bool:
    """Say whether a client prefers a live stream to a page."""
    try:
        return bool(mimeparse.best_match((SSE, JSON), accept) == SSE)
    except (mimeparse.MimeTypeParseException, ValueError):
        return False


def idempotency(key: str | None, kind: str, params: Frozen) -> tuple[str, str] | None:
    """Pair a key with the digest of what it asks for; what the defaults fill in counts as asked for."""
    if key is None:
        return None
    if not key.isprintable():
        raise Invalid("header.Idempotency-Key: use printable characters only.")
    return key, hashlib.sha256(f"{kind} {params.model_dump_json()}".encode()).hexdigest()
