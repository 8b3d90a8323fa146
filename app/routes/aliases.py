"""Names that stand for trained networks, and can be moved from one to another."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path

from app.dependencies import GalleryDep, WhoseDep, needs
from app.openapi import problems
from bestguess import schemas
from bestguess.schemas.service import Scope
from jobs.aliases import OURS

router = APIRouter(prefix="/models/aliases", tags=["models"])

SEE, SET = [needs(Scope.CLASSIFY, Scope.TRAIN)], [needs(Scope.ADMIN)]

# The pattern is said in the document only: `jobs.aliases` refuses another name in better words.
Name = Annotated[
    str,
    Path(
        max_length=64,
        examples=["production"],
        description="a-z, 0-9, '.', '_' and '-'",
        json_schema_extra={"pattern": "^[a-z0-9][a-z0-9._-]*$", "not": {"enum": sorted(OURS)}},
    ),
]


@router.get("", dependencies=SEE, responses=problems(503), summary="Every alias")
async def aliases(gallery: GalleryDep, whose: WhoseDep) -> schemas.Aliases:
    """List the aliases of your networks; `latest` and `best` (by test accuracy) are there as soon as a network is."""
    found = await gallery.registry.aliases(whose)
    return schemas.Aliases(data=[schemas.Alias(name=name, model_id=found[name]) for name in sorted(found)])


@router.put(
    "/{name}",
    dependencies=SET,
    responses=problems(400, 404, 409, 413, 422, 503),
    summary="Let a name stand for a network",
)
async def set_alias(gallery: GalleryDep, name: Name, wanted: schemas.SetAlias) -> schemas.Alias:
    """Make an alias, or move it; from now on it works wherever the network's id does."""
    model = await gallery.set_alias(name, wanted.model_id)
    return schemas.Alias(name=name, model_id=model.id)


@router.delete(
    "/{name}", dependencies=SET, status_code=204, responses=problems(404, 409, 422, 503), summary="Forget an alias"
)
async def drop_alias(gallery: GalleryDep, name: Name) -> None:
    """Forget an alias; its network stays."""
    await gallery.registry.drop_alias(name)
