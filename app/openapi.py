"""Parts of the OpenAPI document that FastAPI cannot derive: request bodies, other media types, and errors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from app.errors import MEDIA_TYPE
from app.middleware.trusted_host import PROBES
from bestguess import schemas

if TYPE_CHECKING:
    from fastapi import FastAPI

    from app.access.auth import Authenticator

ACCESS_ERRORS = (401, 403, 429)  # of every call that needs a key
MEANINGS = {
    400: "Not an image or archive, a broken one, or a body that cannot be read",
    401: "No valid API key was sent",
    403: "The key lacks the scope for this call",
    404: "No such model, job or data set",
    409: "Its state does not allow this: finished already, not trained here, in use by a job, a limit is reached, or "
    "the stored record is damaged",
    413: "Too many bytes or pixels",
    415: "The format is not accepted",
    422: "Invalid parameters",
    421: "The `Host` header names another host",
    429: "The queue is full, or the rate limit is exceeded; `Retry-After` says when to try again",
    503: "Not ready yet, or a model or a store is unavailable; `Retry-After` says when to try again",
    504: "The deadline passed",
}
BINARY = {"type": "string", "format": "binary"}
IMAGE_TYPES = ("image/jpeg", "image/png", "image/webp", "image/gif", "image/bmp")
ARCHIVE_TYPES = ("application/zip", "application/x-tar", "application/gzip")
# Media types of a form's one file. Not for a list of files: schemathesis would send one value for it, not a file.
IMAGE_ENCODING = {"file": {"contentType": ", ".join(IMAGE_TYPES)}}
ARCHIVE_ENCODING = {"file": {"contentType": ", ".join(ARCHIVE_TYPES)}}
# The same as in `jobs.datasets.archives.names.hides`: control characters, line ends, and marks of writing direction.
_UNSEEN = r"\u0000-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069"
NAME = rf"^[^{_UNSEEN}]*[^\s{_UNSEEN}][^{_UNSEEN}]*$"
# The same as in `parse_label`: not a path, and no dot in front.
LABEL = rf"^(?![A-Za-z]:)\s*[^\s{_UNSEEN}./\\][^{_UNSEEN}/\\]*\s*/*$"
PIXEL = (  # a PNG of one red pixel
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGP4z8AAAAMBAQDJ/pLvAAAAAElFTkSuQmCC"
)

IMAGE_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {"type": "object", "required": ["file"], "properties": {"file": BINARY}},
                "encoding": IMAGE_ENCODING,
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
                    "properties": {"file": {"type": "array", "items": BINARY, "minItems": 1}},
                },
            },
        },
    }
}
ARCHIVE_BODY = {
    "requestBody": {
        "required": False,
        "description": "An archive with a folder for each class, or no body for an empty data set",
        "content": {
            "multipart/form-data": {
                "schema": {"type": "object", "required": ["file"], "properties": {"file": BINARY}},
                "encoding": ARCHIVE_ENCODING,
            },
        }
        | {kind: {"schema": BINARY} for kind in ARCHIVE_TYPES},
    }
}
LABELLED_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file", "label"],
                    "properties": {
                        "file": {"type": "array", "items": BINARY, "minItems": 1, "maxItems": 1000},
                        "label": {
                            "type": "string",
                            "minLength": 1,
                            "maxLength": 100,
                            "pattern": LABEL,
                            "description": "the class of all these files",
                        },
                    },
                },
            },
        },
    }
}
PICTURE: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The best predictions, best first",
        "content": {"image/svg+xml": {"schema": {"type": "string"}}, "image/png": {"schema": BINARY}},
    }
}


REPORT: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The report, or a picture of it",
        "content": {"image/svg+xml": {"schema": {"type": "string"}}, "image/png": {"schema": BINARY}},
    }
}
JPEG: dict[int | str, dict[str, Any]] = {
    200: {"description": "The photograph", "content": {"image/jpeg": {"schema": BINARY}}}
}
KERAS_FILE: dict[int | str, dict[str, Any]] = {
    200: {"description": "The file", "content": {"application/zip": {"schema": BINARY}}}
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


def extend_document(app: FastAPI) -> None:
    """Add the schema of errors, to which `problems` refers, and the errors that middleware answers with."""
    document = app.openapi

    def openapi() -> dict[str, Any]:
        schema = document()
        schema["components"]["schemas"]["Problem"] = schemas.Problem.model_json_schema()
        authenticator: Authenticator = app.state.authenticator
        for path, calls in schema["paths"].items():
            for call in calls.values():
                _add_access(path, call, optional=not authenticator.needs_key())
                for parameter in call.get("parameters", ()):
                    _remove_null(parameter["schema"])
        return schema

    app.openapi = openapi  # type: ignore[method-assign]  # FastAPI's documented way


def _remove_null(schema: dict[str, Any]) -> None:
    """Remove null from the types of a parameter: it is a text, or is not sent."""
    kinds = [kind for kind in schema.get("anyOf", ()) if kind != {"type": "null"}]
    if len(kinds) == 1:
        del schema["anyOf"]
        schema |= kinds[0] | schema  # what is declared by hand wins


def _add_access(path: str, call: dict[str, Any], *, optional: bool) -> None:
    """Add the errors that middleware answers with, and whether a key is optional at present."""
    statuses = [*(ACCESS_ERRORS if "security" in call else ()), *(() if path in PROBES else (421,))]
    further = {str(status): answer for status, answer in problems(*statuses).items()}
    call["responses"] = dict(sorted((further | call["responses"]).items()))
    if "security" in call:
        call["security"] = [one for one in call["security"] if one] + ([{}] if optional else [])


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return the answers to declare for these error statuses and for 500."""
    return {
        status: {
            "description": MEANINGS.get(status, "Internal error"),
            "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
        }
        for status in (*statuses, 500)
    }
