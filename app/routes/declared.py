"""What the OpenAPI document says of bodies and errors, written once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from app import schemas
from app.errors import MEDIA_TYPE

if TYPE_CHECKING:
    from fastapi import FastAPI

MEANINGS = {
    400: "Not an image, a broken one, or a body that cannot be read",
    404: "No such model, or no such job",
    409: "The job is finished already",
    413: "Too many bytes or pixels",
    415: "A format that is not accepted",
    422: "Parameters that cannot be used",
    429: "The queue is full; `Retry-After` says when to try again",
    503: "Not ready yet; `Retry-After` says when to try again",
    504: "The deadline passed",
}
BINARY = {"type": "string", "format": "binary"}
IMAGE_TYPES = ("image/jpeg", "image/png", "image/webp", "image/gif", "image/bmp")
PIXEL = (  # the smallest PNG that shows something: one red pixel
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGP4z8AAAAMBAQDJ/pLvAAAAAElFTkSuQmCC"
)

IMAGE_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {"type": "object", "required": ["file"], "properties": {"file": BINARY}},
                "example": {"file": "the bytes of coffee.png"},
            },
            "application/json": {
                "schema": {
                    "type": "object",
                    "required": ["image"],
                    "properties": {"image": {"type": "string", "contentEncoding": "base64"}},
                },
                "example": {"image": PIXEL},
            },
        }
        | {kind: {"schema": BINARY} for kind in IMAGE_TYPES},
    }
}
BATCH_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file"],
                    "properties": {"file": {"type": "array", "items": BINARY}},
                },
                "example": {"file": ["the bytes of coffee.png", "the bytes of chelsea.png"]},
            },
        },
    }
}
PICTURE: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The best guesses, best first",
        "content": {"image/svg+xml": {"schema": {"type": "string"}}, "image/png": {"schema": BINARY}},
    }
}


EVENT_STREAM: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "A page of events, or the live stream",
        "content": {
            "text/event-stream": {
                "schema": {"type": "string"},
                "example": 'id: 1763870000000-0\nevent: progress\ndata: {"id":"1763870000000-0","type":"progress"}\n\n',
            }
        },
    }
}


def declare(app: FastAPI) -> None:
    """Add the shape of errors to the document: `problems` refers to it."""
    document = app.openapi

    def openapi() -> dict[str, Any]:
        schema = document()
        schema["components"]["schemas"]["Problem"] = schemas.Problem.model_json_schema()
        return schema

    app.openapi = openapi  # type: ignore[method-assign]  # FastAPI's documented way


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Declare the errors that a call can answer with, and the 500 that none should."""
    return {
        status: {
            "description": MEANINGS.get(status, "Our fault"),
            "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
        }
        for status in (*statuses, 500)
    }
