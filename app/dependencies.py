"""What routes need, as types that FastAPI fills in.

All are coroutines: FastAPI would send each plain function to a thread, which takes longer than all of them together.
"""

from __future__ import annotations

from typing import Annotated, TypedDict

from fastapi import Depends, Request, Security, params
from fastapi.security import APIKeyHeader, HTTPBearer, SecurityScopes

from app.access.auth import Caller, Guard
from app.datasets.intake import Intake
from app.datasets.shelf import Shelf
from app.draining import Draining
from app.errors import OutOfScope
from app.exchange import Exchange
from app.inference.classifier import Classifier, Networks
from app.metrics.counted import Metrics
from app.services.jobs import Desk, NoDesk
from app.services.models import Gallery
from app.settings import Settings
from bestguess.schemas.service import Scope


class State(TypedDict):
    """What lives as long as the process; Starlette hands it to each request."""

    settings: Settings
    engine: Networks
    classifier: Classifier
    gallery: Gallery
    shelf: Shelf
    intake: Intake
    desk: Desk | NoDesk
    draining: Draining
    metrics: Metrics


async def _settings(request: Request) -> Settings:
    settings: Settings = request.state.settings
    return settings


async def _engine(request: Request) -> Networks:
    engine: Networks = request.state.engine
    return engine


async def _classifier(request: Request) -> Classifier:
    classifier: Classifier = request.state.classifier
    return classifier


async def _gallery(request: Request) -> Gallery:
    gallery: Gallery = request.state.gallery
    return gallery


async def _shelf(request: Request) -> Shelf:
    shelf: Shelf = request.state.shelf
    return shelf


async def _intake(request: Request) -> Intake:
    intake: Intake = request.state.intake
    return intake


async def _desk(request: Request) -> Desk:
    desk: Desk | NoDesk = request.state.desk
    if isinstance(desk, NoDesk):
        raise desk.refuse()
    return desk


async def _any_desk(request: Request) -> Desk | NoDesk:
    desk: Desk | NoDesk = request.state.desk
    return desk


async def _draining(request: Request) -> Draining:
    draining: Draining = request.state.draining
    return draining


async def _metrics(request: Request) -> Metrics:
    metrics: Metrics = request.state.metrics
    return metrics


async def _exchange(request: Request) -> Exchange:
    exchange: Exchange = request.state.exchange
    return exchange


SettingsDep = Annotated[Settings, Depends(_settings)]
EngineDep = Annotated[Networks, Depends(_engine)]
DeskDep = Annotated[Desk, Depends(_desk)]
AnyDeskDep = Annotated[Desk | NoDesk, Depends(_any_desk)]
ShelfDep = Annotated[Shelf, Depends(_shelf)]
IntakeDep = Annotated[Intake, Depends(_intake)]
GalleryDep = Annotated[Gallery, Depends(_gallery)]
DrainingDep = Annotated[Draining, Depends(_draining)]
MetricsDep = Annotated[Metrics, Depends(_metrics)]
ExchangeDep = Annotated[Exchange, Depends(_exchange)]
ClassifierDep = Annotated[Classifier, Depends(_classifier)]


# What routes say of access: which scope a call needs, and whose things it is about.
# They only declare: the door has read the headers before anything else was.
_BEARER = HTTPBearer(auto_error=False, scheme_name="bearer", description="`Authorization: Bearer bg_...`")
_HEADER = APIKeyHeader(name="X-API-Key", auto_error=False, scheme_name="header", description="the same key")


async def _caller(request: Request) -> Caller:
    caller: Caller = request.state.caller
    return caller


async def _whose(request: Request) -> str:
    caller: Caller = request.state.caller
    return caller.whose


async def _guard(request: Request) -> Guard:
    guard: Guard = request.app.state.guard
    return guard


CallerDep = Annotated[Caller, Depends(_caller)]
WhoseDep = Annotated[str, Depends(_whose)]
GuardDep = Annotated[Guard, Depends(_guard)]


async def _check(
    caller: CallerDep,
    wanted: SecurityScopes,
    _bearer: Annotated[object, Security(_BEARER)],
    _header: Annotated[object, Security(_HEADER)],
) -> None:
    if not caller.may(*map(Scope, wanted.scopes)):
        raise OutOfScope(wanted.scopes)


def needs(*scopes: Scope) -> params.Security:
    """Make a route's dependency that refuses who has none of these scopes."""
    made: params.Security = Security(_check, scopes=list(scopes))
    return made
