"""What routes need, as types that FastAPI fills in."""

from __future__ import annotations

from typing import Annotated, TypedDict

from fastapi import Depends, Request

from app.inference.classifier import Classifier
from app.inference.engine import Engine
from app.settings import Settings


class State(TypedDict):
    """What lives as long as the process; Starlette hands it to each request."""

    settings: Settings
    engine: Engine
    classifier: Classifier


def _settings(request: Request) -> Settings:
    settings: Settings = request.state.settings
    return settings


def _engine(request: Request) -> Engine:
    engine: Engine = request.state.engine
    return engine


def _classifier(request: Request) -> Classifier:
    classifier: Classifier = request.state.classifier
    return classifier


SettingsDep = Annotated[Settings, Depends(_settings)]
EngineDep = Annotated[Engine, Depends(_engine)]
ClassifierDep = Annotated[Classifier, Depends(_classifier)]
