"""What the service says of itself."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from app.schemas.models import ModelStatus  # noqa: TC001 - pydantic reads the annotations
from app.schemas.wire import Wire


class RedisStatus(Wire):
    """Whether training jobs can be taken; classifying does not depend on it."""

    status: Literal["up", "down"]
    detail: str | None = Field(None, description="why it is down, and what to do")


class KeysStatus(Wire):
    """Whether the file of the keys is as it should be; those that were read last stay in force where it is not."""

    status: Literal["ok", "broken"]
    detail: str | None = Field(None, description="what is wrong with it")


class Readiness(Wire):
    """Whether images can be classified, and by what."""

    status: Literal["ready"]
    models: list[ModelStatus]
    redis: RedisStatus
    keys: KeysStatus | None = Field(None, description="absent where no key is needed")


class Liveness(Wire):
    """The event loop answers."""

    status: Literal["alive"]
