"""State of the service, and the scopes of its API keys."""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

from pydantic import Field

from bestguess.schemas.base import Schema
from bestguess.schemas.models import ModelStatus  # noqa: TC001 - pydantic reads the annotations


class RedisStatus(Schema):
    """Whether training jobs can be taken; classifying does not depend on it."""

    status: Literal["up", "down"]
    detail: str | None = Field(None, description="why it is down, and what to do")


class KeysStatus(Schema):
    """Whether the file of the keys is as it should be; those that were read last stay in force where it is not."""

    status: Literal["ok", "broken"]
    detail: str | None = Field(None, description="what is wrong with it")


class Readiness(Schema):
    """Whether images can be classified, and by what."""

    status: Literal["ready"]
    models: list[ModelStatus]
    redis: RedisStatus
    keys: KeysStatus | None = Field(None, description="absent where no key is needed")


class Liveness(Schema):
    """The event loop answers."""

    status: Literal["alive"]


class Scope(StrEnum):
    """What an API key permits. `admin` permits everything, on everybody's jobs and models."""

    CLASSIFY = "classify"
    TRAIN = "train"
    ADMIN = "admin"
