"""State of the service, and the scopes of its API keys."""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

from pydantic import Field

from bestguess.schemas.base import Schema
from bestguess.schemas.models import ModelStatus  # noqa: TC001 - pydantic reads the annotations


class RedisStatus(Schema):
    """State of Redis, which jobs need and classification does not."""

    status: Literal["up", "down"]
    detail: str | None = Field(None, description="why it is down and what to do")


class KeysStatus(Schema):
    """State of the key file; while it is broken, the keys that were read last stay valid."""

    status: Literal["ok", "broken"]
    detail: str | None = Field(None, description="what is wrong with it")


class Readiness(Schema):
    """Readiness to classify images, and the networks that do."""

    status: Literal["ready"]
    models: list[ModelStatus]
    redis: RedisStatus
    keys: KeysStatus | None = Field(None, description="absent if no key is required")


class Liveness(Schema):
    """Liveness: the event loop responds."""

    status: Literal["alive"]


class Scope(StrEnum):
    """What an API key permits. `admin` permits everything, on everybody's jobs and models."""

    CLASSIFY = "classify"
    TRAIN = "train"
    ADMIN = "admin"
