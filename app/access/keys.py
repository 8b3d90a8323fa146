"""What is known of a key, all but the key itself."""

from __future__ import annotations

from datetime import datetime  # noqa: TC003 - pydantic reads the annotations
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from app.access.rate_limit import check_rate
from bestguess.schemas.base import Frozen
from bestguess.schemas.service import Scope  # noqa: TC001 - pydantic reads the annotations
from jobs.owners import OWNER

Name = Annotated[str, Field(pattern=rf"^(?:{OWNER.pattern})$")]


class Key(Frozen, extra="allow"):
    """A key: its `owner` owns the jobs and models that it makes, and is called as the key unless said otherwise.

    Unknown fields, which a later version may have written, are kept when the file is written again.
    """

    name: Name
    owner: Name
    id: str = Field(pattern=r"^[0-9a-f]{8}$")
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    scopes: tuple[Scope, ...] = Field(min_length=1)
    rate: Annotated[str, AfterValidator(check_rate)] | None = None
    created_at: datetime


class Keys(Frozen):
    """The whole file."""

    version: Literal[1] = 1
    keys: tuple[Key, ...] = ()

    @model_validator(mode="after")
    def _told_apart(self) -> Self:
        for what in ("name", "id"):
            if len({getattr(key, what) for key in self.keys}) < len(self.keys):
                raise ValueError(f"two keys have the same {what}")
        return self
