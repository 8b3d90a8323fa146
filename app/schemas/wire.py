"""What all shapes have in common."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Wire(BaseModel):
    """A shape that this service sends: frozen, and with the field `model_...` names that the contract has."""

    model_config = ConfigDict(frozen=True, protected_namespaces=())
