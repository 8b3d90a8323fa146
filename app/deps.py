"""What routes need, as types that FastAPI fills in.

All are coroutines: FastAPI would send each plain function to a thread, which takes longer than all of them together.
"""

from __future__ import annotations

from typing import Annotated, TypedDict

from fastapi import Depends, Request

from app.datasets.intake import Intake
from app.datasets.shelf import Shelf
from app.desk import Desk, NoDesk
from app.draining import Draining
from app.exchange import Exchange
from app.gallery import Gallery
from app.inference.classifier import Classifier
from app.inference.engine import Engine
from app.metrics.counted import Metrics
from app.settings import Settings


class State(TypedDict):
    """What lives as long as the process; Starlette hands it to each request."""

    settings: Settings
    engine: Engine
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


async def _engine(request: Request) -> Engine:
    engine: Engine = request.state.engine
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
EngineDep = Annotated[Engine, Depends(_engine)]
DeskDep = Annotated[Desk, Depends(_desk)]
AnyDeskDep = Annotated[Desk | NoDesk, Depends(_any_desk)]
ShelfDep = Annotated[Shelf, Depends(_shelf)]
IntakeDep = Annotated[Intake, Depends(_intake)]
GalleryDep = Annotated[Gallery, Depends(_gallery)]
DrainingDep = Annotated[Draining, Depends(_draining)]
MetricsDep = Annotated[Metrics, Depends(_metrics)]
ExchangeDep = Annotated[Exchange, Depends(_exchange)]
ClassifierDep = Annotated[Classifier, Depends(_classifier)]
