"""What an error becomes: whoever raised it, and whatever it knows of HTTP, the answer has one shape."""

from __future__ import annotations

import logging
from http import HTTPStatus
from typing import TYPE_CHECKING

from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import Response

from app.errors import (
    MEDIA_TYPE,
    Conflict,
    Invalid,
    NotAnImage,
    NotFound,
    NotReady,
    Overloaded,
    Problem,
    TooLarge,
    TooManyJobs,
    UnsupportedMedia,
)
from app.inference.batcher import Closed, QueueFull
from jobs import errors as store
from vision import problems

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fastapi import FastAPI, Request

log = logging.getLogger(__name__)

OF_VISION: Mapping[type[Exception], type[Problem]] = {
    problems.NotAnImage: NotAnImage,
    problems.BrokenImage: NotAnImage,
    problems.TooCostly: NotAnImage,
    problems.UnsupportedFormat: UnsupportedMedia,
    problems.TooManyPixels: TooLarge,
}


def as_problem(error: Exception, request_id: str | None) -> Problem:
    """Turn any error into the answer it deserves; what nobody foresaw becomes a 500 and is logged with the id."""
    match error:
        case Problem():
            problem = error
        case problems.ImageProblem():
            problem = OF_VISION[type(error)](str(error))
        case QueueFull():
            problem = Overloaded("As many images wait as may. Try again in a moment.", retry_after=1)
        case store.StoreError():
            problem = _of_store(error)
        case Closed():
            problem = NotReady("The service is stopping. Try again in a moment.", retry_after=5)
        case RequestValidationError():
            problem = invalid(error)
        case HTTPException():
            problem = _of_framework(error)
        case _:
            log.error("request %s met an unforeseen error", request_id, exc_info=error)
            problem = Problem("This is our fault, and it has been logged. The request id finds it in the log.")
    return problem


def _of_store(error: store.StoreError) -> Problem:
    match error:
        case store.StoreUnavailable():
            log.warning("Redis: %s", error)
            return NotReady("Redis, which keeps the jobs, does not answer. Try again in a moment.", retry_after=5)
        case store.JobNotFound():
            return NotFound(f"{error}. It never was, or it was removed some time after it finished.")
        case store.AlreadyFinished():
            return Conflict(f"{error}.")
        case store.QueueFull():
            return TooManyJobs(f"{error}. Try again when one has finished.", retry_after=30)
        case store.InvalidCursor():
            return Invalid(f"{error}. Use the id of an event of this job.")
        case _:
            return Invalid(f"{error}. Use another key, or the same body.")


def invalid(error: RequestValidationError) -> Invalid:
    """Name each parameter that cannot be used, without repeating what was sent."""
    errors = [{key: item[key] for key in ("loc", "msg", "type")} for item in error.errors()]
    first = errors[0]
    where = ".".join(str(part) for part in first["loc"])
    return Invalid(f"{where}: {first['msg']}", errors=errors)


def render(request: Request, error: Exception) -> JSONResponse:
    """Write an error as problem+json, with the request's path and id."""
    request_id = request.scope.get("request_id")
    problem = as_problem(error, request_id)
    body = problem.body() | {"instance": request.url.path, "request_id": request_id}
    headers = dict(problem.headers or {})
    if request_id:
        headers["X-Request-ID"] = request_id
    return JSONResponse(body, problem.status_code, headers, MEDIA_TYPE)


def nobody_left(_: Request, __: Exception) -> Response:
    """Answer a client that has gone away: nobody reads it, and nothing is wrong. 499 is nginx's number for it."""
    return Response(status_code=499)


def add_handlers(app: FastAPI) -> None:
    """Make `render` the only thing that writes an error: for ours, FastAPI's, Starlette's and what nobody foresaw."""
    for kind in (
        HTTPException,
        RequestValidationError,
        problems.ImageProblem,
        QueueFull,
        Closed,
        store.StoreError,
        Exception,
    ):
        app.add_exception_handler(kind, render)
    app.add_exception_handler(ClientDisconnect, nobody_left)


def _of_framework(error: HTTPException) -> Problem:
    problem = Problem(str(error.detail))
    status = HTTPStatus(error.status_code)
    problem.status_code = error.status_code
    problem.headers = error.headers
    problem.members = {"type": "about:blank", "title": status.phrase, "status": error.status_code}
    if status is HTTPStatus.NOT_FOUND:
        problem.detail = "There is nothing at this address. /docs lists the calls."
    if status is HTTPStatus.METHOD_NOT_ALLOWED:
        allowed = (error.headers or {}).get("Allow", "another method")
        problem.detail = f"This address takes {allowed}. /docs lists the calls."
    return problem
