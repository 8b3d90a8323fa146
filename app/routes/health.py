"""`GET /healthz` and `GET /readyz`."""

from __future__ import annotations

from fastapi import APIRouter

from app import described
from app.access.auth import Guard
from app.dependencies import AnyDeskDep, ClassifierDep, DrainingDep, EngineDep, GuardDep
from app.errors import NotReady
from app.inference.classifier import RETRY_LOADING
from app.openapi import problems
from bestguess import schemas

router = APIRouter(tags=["health"])

BROKEN_KEYS = "The file of the keys cannot be used, the log says why. Those that were read before stay in force."


@router.get("/healthz", summary="Alive")
async def healthz() -> schemas.Liveness:
    """Answer as long as the event loop does."""
    return schemas.Liveness(status="alive")


@router.get("/readyz", responses=problems(503), summary="Ready, or why not")
async def readyz(
    engine: EngineDep, classifier: ClassifierDep, desk: AnyDeskDep, draining: DrainingDep, guard: GuardDep
) -> schemas.Readiness:
    """Say whether images are classified, by which network, and what has to be done for the others."""
    models = described.statuses(engine)
    if classifier.broken:
        raise NotReady(f"{classifier.broken}. The service ends, to be started again.", retry_after=RETRY_LOADING)
    if draining.announced:
        raise NotReady("The service is stopping. Ask another one.", retry_after=RETRY_LOADING)
    if not draining.takes_requests(classifier):
        listed = [status.model_dump() for status in models]
        raise NotReady(engine.explain(engine.primary), retry_after=RETRY_LOADING, models=listed)
    trouble = await desk.trouble()
    redis = schemas.RedisStatus(status="down" if trouble else "up", detail=trouble)
    return schemas.Readiness(status="ready", models=models, redis=redis, keys=keys(guard))


def keys(guard: Guard) -> schemas.KeysStatus | None:
    """Say whether the keys could be read. Everybody may ask this, so the log has the rest."""
    guard.keyring.look()
    if not guard.keyring.closed:
        return None
    broken = guard.keyring.trouble is not None
    return schemas.KeysStatus(status="broken" if broken else "ok", detail=BROKEN_KEYS if broken else None)
