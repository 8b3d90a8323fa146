"""`GET /models` and `GET /models/{id}`."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path

from app import schemas, wire
from app.deps import EngineDep
from app.routes.declared import problems

router = APIRouter(tags=["models"])


@router.get("/models", responses=problems(), summary="Every network that can be asked")
async def models(engine: EngineDep) -> schemas.Models:
    """List the networks: what each is, how far it is, and where its weights come from."""
    return schemas.Models(data=[wire.model(served, engine) for served in engine.networks.values()])


@router.get("/models/{model_id}", responses=problems(404, 422), summary="One network, layer by layer")
async def model(engine: EngineDep, model_id: Annotated[str, Path(examples=["vgg16"])]) -> schemas.ModelDetail:
    """Describe one network with each of its weight layers."""
    return wire.detail(engine.find(model_id), engine)
