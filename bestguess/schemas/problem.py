"""Errors, as RFC 9457 has them."""

from __future__ import annotations

from typing import Any

from pydantic import ConfigDict, Field

from bestguess.schemas.base import Schema


class Problem(Schema):
    """An error (RFC 9457, problem details)."""

    model_config = ConfigDict(extra="allow", frozen=True)

    type: str = Field(examples=["urn:problem-type:bestguess:not-an-image"])
    title: str = Field(examples=["This is not an image that can be read"])
    status: int = Field(examples=[400])
    detail: str = Field(description="what happened and what to do")
    instance: str | None = Field(None, examples=["/classify"])
    request_id: str | None = None
    errors: list[dict[str, Any]] | None = Field(None, description="the invalid parameters (422)")
