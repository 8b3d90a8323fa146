"""Routes for operators: `/healthz`, `/readyz` and `/metrics`."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response
from fastapi.responses import PlainTextResponse

from app.access.keys import Keyring
from app.dependencies import ClassifierDep, DrainingDep, MetricsDep, NetworksDep, OptionalJobsDep
from app.errors import NotReady
from app.inference.classifier import RETRY_LOADING
from app.metrics import exposition, job_metrics
from app.openapi import problems
from app.presenters import present_status
from app.services.jobs import NO_REDIS
from bestguess import schemas

router = APIRouter(tags=["health"])

BROKEN_KEYS = "The file of the keys cannot be used, the log says why. Those that were read before stay in force."


@router.get("/healthz", summary="Alive")
async def healthz() -> schemas.Liveness:
    """Answer as long as the event loop runs."""
    return schemas.Liveness(status="alive")


@router.get("/readyz", responses=problems(503), summary="Ready, or why not")
async def readyz(
    request: Request, networks: NetworksDep, classifier: ClassifierDep, jobs: OptionalJobsDep, draining: DrainingDep
) -> schemas.Readiness:
    """Return whether images are classified, by which network, and what the others need."""
    models = [present_status(slot, networks) for slot in networks.in_view]
    if classifier.broken:
        raise NotReady(f"{classifier.broken}. The service ends, to be started again.", retry_after=RETRY_LOADING)
    if draining.announced:
        raise NotReady("The service is stopping. Ask another one.", retry_after=RETRY_LOADING)
    if not draining.takes_requests(classifier):
        listed = [status.model_dump() for status in models]
        raise NotReady(networks.explain(networks.primary), retry_after=RETRY_LOADING, models=listed)
    trouble = await jobs.unavailable_reason() if jobs else NO_REDIS
    redis = schemas.RedisStatus(status="down" if trouble else "up", detail=trouble)
    return schemas.Readiness(
        status="ready", models=models, redis=redis, keys=key_file_status(request.app.state.authenticator.keyring)
    )


def key_file_status(keyring: Keyring) -> schemas.KeysStatus | None:
    """Return whether the key file could be read, or None without keys. This is public: the reason is in the log."""
    keyring.refresh()
    if not keyring.closed:
        return None
    broken = keyring.trouble is not None
    return schemas.KeysStatus(status="broken" if broken else "ok", detail=BROKEN_KEYS if broken else None)


@router.get("/metrics", response_class=PlainTextResponse, summary="Metrics for Prometheus")
async def metrics(request: Request, metrics: MetricsDep, jobs: OptionalJobsDep) -> Response:
    """Return the metrics of this replica, and of the jobs and workers that all replicas share."""
    body, media_type = exposition(metrics.registry, await job_metrics(jobs), request.headers.get("Accept", ""))
    return Response(body, media_type=None, headers={"Content-Type": media_type, "Cache-Control": "no-store"})
