"""What routes need, as types that FastAPI fills in."""

from __future__ import annotations

from typing import Annotated, TypedDict

from fastapi import Depends, Request

from app.desk import Desk, NoDesk
from app.draining import Draining
from app.inference.classifier import Classifier
from app.inference.engine import Engine
from app.settings import Settings


class State(TypedDict):
    """What lives as long as the process; Starlette hands it to each request."""

    settings: Settings
    engine: Engine
    classifier: Classifier
    desk: Desk | NoDesk
    draining: Draining


def _settings(request: Request) -> Settings:
    settings: Settings = request.state.settings
    return settings


def _engine(request: Request) -> Engine:
    engine: Engine = request.state.engine
    return engine


def _classifier(request: Request) -> Classifier:
    classifier: Classifier = request.state.classifier
    return classifier


def _desk(request: Request) -> Desk:
    desk: Desk | NoDesk = request.state.desk
    if isinstance(desk, NoDesk):
        raise desk.refuse()
    return desk


def _any_desk(request: Request) -> Desk | NoDesk:
    desk: Desk | NoDesk = request.state.desk
    return desk


def _draining(request: Request) -> Draining:
    draining: Draining = request.state.draining
    return draining


SettingsDep = Annotated[Settings, Depends(_settings)]
EngineDep = Annotated[Engine, Depends(_engine)]
DeskDep = Annotated[Desk, Depends(_desk)]
AnyDeskDep = Annotated[Desk | NoDesk, Depends(_any_desk)]
DrainingDep = Annotated[Draining, Depends(_draining)]
ClassifierDep = Annotated[Classifier, Depends(_classifier)]
