"""A training job of one's own: a pretrained network learns the classes of a data set."""

from __future__ import annotations

from fastapi import APIRouter, Response

from app.dependencies import CallerDep, DeskDep, GalleryDep, RecordDep, SettingsDep, ShelfDep, WhoseDep, needs
from app.openapi import problems
from app.routes.jobs import Key, idempotency
from app.services import job_checks
from bestguess.schemas.job_params import FinetuneParams
from bestguess.schemas.jobs import Job
from bestguess.schemas.service import Scope
from jobs.queue import FINETUNE

router = APIRouter(prefix="/jobs", tags=["jobs"], dependencies=[needs(Scope.TRAIN)])


@router.post(
    "/finetune",
    status_code=202,
    responses=problems(400, 404, 409, 413, 422, 429, 503),
    summary="Teach a pretrained network classes of your own",
)
async def finetune(
    desk: DeskDep,
    shelf: ShelfDep,
    gallery: GalleryDep,
    settings: SettingsDep,
    caller: CallerDep,
    whose: WhoseDep,
    record: RecordDep,
    response: Response,
    params: FinetuneParams,
    key: Key = None,
) -> Job:
    """Queue a fine-tuning for a worker, and answer with the job at once; `Location` is where it can be watched.

    The first `freeze` weight layers stay as they are, the others learn, and the last is a new one for the data set's
    classes. The model appears in `/models` when the job has succeeded.
    """
    wish = idempotency(key, FINETUNE, params)
    job = await desk.store.wished(wish, caller.owner) if wish else None
    if job is None:  # a job that is known is given back whatever has become of its data set and its base
        dataset = await shelf.records.get(params.dataset_id, whose)
        wanted = await job_checks.checked(params, dataset, gallery, whose)
        learned = dataset.id, dataset.version
        job = await desk.submit(FINETUNE, wanted, wish, caller.owner, settings, record.origin(), learned)
    record.job_id = job.id
    response.headers["Location"] = f"/jobs/{job.id}"
    return job
