"""Schemathesis hooks for what no schema can express: valid image bytes, and dependencies between requests."""

from __future__ import annotations

import base64
import uuid
from typing import Any

import schemathesis
from hypothesis import strategies as st
from schemathesis import Case, HookContext

from bestguess.schemas.job_params import MOST_IMAGES
from support.datasets import pets, zipped
from support.images import encoded, noise, seven

KINDS = {"image/jpeg": "JPEG", "image/png": "PNG", "image/webp": "WEBP", "image/gif": "GIF", "image/bmp": "BMP"}
FILES = {media_type: encoded(noise((40, 30)), kind) for media_type, kind in KINDS.items()}
SEVEN = encoded(seven(), "PNG")
ARCHIVE = zipped(pets())
KEY = "Idempotency-Key"

# `format: binary` is any bytes for JSON Schema, and a picture for us.
schemathesis.openapi.format("binary", st.sampled_from([*FILES.values(), SEVEN]))
for media_type, data in FILES.items():
    schemathesis.openapi.media_type(media_type, st.just(data))
for media_type in ("application/zip", "application/x-tar", "application/gzip"):
    schemathesis.openapi.media_type(media_type, st.just(ARCHIVE))  # what it is, is looked up in the bytes


@schemathesis.hook
def before_call(context: HookContext, case: Case, _kwargs: dict[str, Any]) -> None:
    """Keep what is as the schema wants it within what the schema cannot say.

    No idempotency key is sent twice, for with another body it would be refused; a text in base64 is of a picture;
    the product of a training's steps and batch size has a bound, and patience needs
    something to be validated with.
    """
    del context
    if case.meta is None or not case.meta.generation.mode.is_positive:
        return
    if case.headers and KEY in case.headers:
        case.headers[KEY] = uuid.uuid4().hex
    if isinstance(case.body, dict):
        _fit(case.body)


def _fit(body: dict[str, Any]) -> None:
    if isinstance(body.get("image"), str):
        body["image"] = base64.b64encode(SEVEN).decode()
    if body.get("steps", 1000) * body.get("batch_size", 50) > MOST_IMAGES:
        body["batch_size"] = 1
    if body.get("patience") is not None and not body.get("validation_split", 0.2):
        del body["validation_split"]
