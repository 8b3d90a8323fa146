"""What the OpenAPI document says of bodies and errors, written once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from app.errors import MEDIA_TYPE
from app.middleware.trusted_host import PROBES
from bestguess import schemas

if TYPE_CHECKING:
    from fastapi import FastAPI

    from app.access.auth import Authenticator

OF_ACCESS = (401, 403, 429)  # of every call that needs a key where there are keys
MEANINGS = {
    400: "Not an image or archive, a broken one, or a body that cannot be read",
    401: "A key is needed, and none that is good was sent",
    403: "The key is not for this call",
    404: "No such model, job or data set",
    409: "Not in the state that it is in: finished already, not trained here, being learned from, as many as may be, "
    "or its stored record is damaged",
    413: "Too many bytes or pixels",
    415: "A format that is not accepted",
    422: "Parameters that cannot be used",
    421: "Called by a name that is not the service's",
    429: "The queue is full, or too many calls were made; `Retry-After` says when to try again",
    503: "Not ready yet, or a model or a store that cannot be used; `Retry-After` says when to try again",
    504: "The deadline passed",
}
BINARY = {"type": "string", "format": "binary"}
IMAGE_TYPES = ("image/jpeg", "image/png", "image/webp", "image/gif", "image/bmp")
ARCHIVE_TYPES = ("application/zip", "application/x-tar", "application/gzip")
# What a form's one file is. Not said of a list of files: schemathesis would send one value for it, which is no file.
OF_IMAGES = {"file": {"contentType": ", ".join(IMAGE_TYPES)}}
OF_ARCHIVES = {"file": {"contentType": ", ".join(ARCHIVE_TYPES)}}
# As `jobs.datasets.archives.names.hides` has it: control characters, ends of lines, and what turns writing around.
_UNSEEN = r"\u0000-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069"
NAME = rf"^[^{_UNSEEN}]*[^\s{_UNSEEN}][^{_UNSEEN}]*$"
# As `label_of` has it: no path, and no dot in front.
LABEL = rf"^(?![A-Za-z]:)\s*[^\s{_UNSEEN}./\\][^{_UNSEEN}/\\]*\s*/*$"
PIXEL = (  # the smallest PNG that shows something: one red pixel
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGP4z8AAAAMBAQDJ/pLvAAAAAElFTkSuQmCC"
)

IMAGE_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {"type": "object", "required": ["file"], "properties": {"file": BINARY}},
                "encoding": OF_IMAGES,
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
        "description": "An archive with a folder for each class; nothing for an empty data set",
        "content": {
            "multipart/form-data": {
                "schema": {"type": "object", "required": ["file"], "properties": {"file": BINARY}},
                "encoding": OF_ARCHIVES,
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
        "description": "The best guesses, best first",
        "content": {"image/svg+xml": {"schema": {"type": "string"}}, "image/png": {"schema": BINARY}},
    }
}


REPORT: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The report, or a picture of it for a slide",
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


def declare(app: FastAPI) -> None:
    """Add the shape of errors to the document: `problems` refers to it. And what may become of every call."""
    document = app.openapi

    def openapi() -> dict[str, Any]:
        schema = document()
        schema["components"]["schemas"]["Problem"] = schemas.Problem.model_json_schema()
        authenticator: Authenticator = app.state.authenticator
        for path, calls in schema["paths"].items():
            for call in calls.values():
                _declare_access(path, call, optional=not authenticator.needs_key())
                for parameter in call.get("parameters", ()):
                    _leave_null_out(parameter["schema"])
        return schema

    app.openapi = openapi  # type: ignore[method-assign]  # FastAPI's documented way


def _leave_null_out(schema: dict[str, Any]) -> None:
    """Say nothing of null where there is none: a parameter is a text that is sent or not."""
    kinds = [kind for kind in schema.get("anyOf", ()) if kind != {"type": "null"}]
    if len(kinds) == 1:
        del schema["anyOf"]
        schema |= kinds[0] | schema  # what was declared by hand wins


def _declare_access(path: str, call: dict[str, Any], *, optional: bool) -> None:
    """Add what the doors before the routes answer with, and whether a key may be left out at this moment."""
    statuses = [*(OF_ACCESS if "security" in call else ()), *(() if path in PROBES else (421,))]
    further = {str(status): answer for status, answer in problems(*statuses).items()}
    call["responses"] = dict(sorted((further | call["responses"]).items()))
    if "security" in call:
        call["security"] = [one for one in call["security"] if one] + ([{}] if optional else [])


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Declare the errors that a call can answer with, and the 500 that none should."""
    return {
        status: {
            "description": MEANINGS.get(status, "Our fault"),
            "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
        }
        for status in (*statuses, 500)
    }
