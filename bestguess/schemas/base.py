"""Base classes of every schema."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Schema(BaseModel):
    """An immutable value that ignores unknown fields, as another version may have stored or sent it.

    Request bodies override this with `extra="forbid"`. The contract has fields named `model_...`, which pydantic
    would otherwise reserve.
    """

    model_config = ConfigDict(frozen=True, extra="ignore", protected_namespaces=())


class Frozen(Schema):
    """The same, but declared closed in the OpenAPI document (`additionalProperties: false`)."""

    model_config = ConfigDict(json_schema_extra={"additionalProperties": False})
