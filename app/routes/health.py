"""`GET /healthz` and `GET /readyz`."""

from __future__ import annotations

from fastapi import APIRouter

from app import schemas, wire
from app.deps import AnyDeskDep, DrainingDep, EngineDep
from app.errors import NotReady
from app.inference.engine import RETRY_LOADING
from app.routes.declared import problems

router = APIRouter(tags=["health"])


@router.get("/healthz", summary="Alive")
async def healthz() -> schemas.Liveness:
    """Answer as long as the event loop does."""
    return schemas.Liveness(status="alive")


@router.get("/readyz", responses=problems(503), summary="Ready, or why not")
async def readyz(engine: EngineDep, desk: AnyDeskDep, draining: DrainingDep) -> schemas.Readiness:
    """Say whether images are classified, by which network, and what has to be done for the others."""
    models = wire.statuses(engine)
    if draining.begun:
        raise NotReady("The service is stopping. Ask another one.", retry_after=RETRY_LOADING)
    if not engine.ready:
        listed = [status.model_dump() for status in models]
        raise NotReady(engine.explain(engine.primary), retry_after=RETRY_LOADING, models=listed)
    trouble = await desk.trouble()
    redis = schemas.RedisStatus(status="down" if trouble else "up", detail=trouble)
    return schemas.Readiness(status="ready", models=models, redis=redis)
