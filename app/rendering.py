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
from starlette.routing import Match

from app.errors import (
    MEDIA_TYPE,
    Conflict,
    DamagedRecord,
    Invalid,
    ModelUnusable,
    NoInk,
    NotAnImage,
    NotFound,
    NotReady,
    Overloaded,
    Problem,
    TooLarge,
    TooManyAliases,
    TooManyDatasets,
    TooManyJobs,
    UnsupportedMedia,
)
from app.exchange import note_problem
from app.inference.batcher import Closed, QueueFull
from app.security_headers import headers_for
from jobs import errors as store
from jobs.artifacts import ArtifactDamaged, ArtifactsUnavailable
from vision import errors
from vision.engines.base import NotFinite
from vision.networks.weights import WeightsError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fastapi import FastAPI, Request

log = logging.getLogger(__name__)
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")  # in the order in which `Allow` lists them
OF_VISION: Mapping[type[Exception], type[Problem]] = {
    errors.NotAnImage: NotAnImage,
    errors.NoInk: NoInk,
    errors.BrokenImage: NotAnImage,
    errors.TooCostly: NotAnImage,
    errors.UnsupportedFormat: UnsupportedMedia,
    errors.TooManyPixels: TooLarge,
}


def as_problem(error: Exception, request_id: str | None) -> Problem:
    """Turn any error into the answer it deserves; what nobody foresaw becomes a 500 and is logged with the id."""
    match error:
        case Problem():
            problem = error
        case errors.ImageProblem() | errors.DecodersUnavailable():
            problem = _of_picture(error)
        case QueueFull():
            problem = Overloaded(
                "As many images wait as can be answered in time. Try again later.", retry_after=error.retry_after
            )
        case store.DatasetError():
            problem = _of_dataset(error)
        case store.StoreError():
            problem = _of_store(error)
        case ArtifactsUnavailable() | ArtifactDamaged() | WeightsError() | NotFinite():
            log.error("request %s: %s", request_id, error)
            problem = _of_network(error)
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


def _of_picture(error: errors.ImageProblem | errors.DecodersUnavailable) -> Problem:
    if isinstance(error, errors.ImageProblem):
        return OF_VISION[type(error)](str(error))
    log.warning("decoding: %s", error)
    return NotReady("No decode process could take the image. Send it again in a moment.", retry_after=2)


def _of_network(error: ArtifactsUnavailable | ArtifactDamaged | WeightsError | NotFinite) -> ModelUnusable:
    match error:
        case ArtifactsUnavailable():
            return ModelUnusable("The files of trained networks cannot be reached. Try again later.")
        case NotFinite():
            return ModelUnusable(f"{error}.")
        case _:
            return ModelUnusable("This network's files are damaged. Delete it, and train another.")


def _of_store(error: store.StoreError) -> Problem:
    match error:
        case store.StoreUnavailable():
            log.warning("Redis: %s", error)
            problem: Problem = NotReady(
                "Redis, which keeps the jobs, does not answer. Try again in a moment.", retry_after=5
            )
        case store.JobNotFound():
            problem = NotFound(f"{error}. It never was, or it was removed some time after it finished.")
        case store.RecordDamaged():
            problem = DamagedRecord(f"{error}. The log of the service names it; an admin can delete it.")
        case store.AlreadyFinished() | store.NotDamaged() | store.ModelUsed():
            problem = Conflict(f"{error}.")
        case store.ModelNotFound() | store.AliasNotFound():
            problem = NotFound(f"{error}. GET /models and /models/aliases list what there is.")
        case store.TooManyAliases():
            problem = TooManyAliases(f"There are {error.limit} aliases, the most that may be. Delete one first.")
        case store.InvalidAlias():
            problem = Invalid(f"{error}.")
        case store.QueueFull() | store.QuotaReached():
            problem = TooManyJobs(f"{error}. Try again when one has finished.", retry_after=30)
        case store.InvalidCursor():
            problem = Invalid(f"{error}. Use the id of an event of this job.")
        case _:
            problem = Invalid(f"{error}. Use another key, or the same body.")
    return problem


def _of_dataset(error: store.DatasetError) -> Problem:
    match error:
        case store.DatasetNotFound():
            return NotFound(f"{error}. GET /datasets lists what there is.")
        case store.DatasetChanged():
            return NotReady(f"{error}. Send this again.", retry_after=1)
        case store.TooManyDatasets():
            return TooManyDatasets(f"{error}. Delete one first.")
        case _:
            return Conflict(f"{error}.")


def invalid(error: RequestValidationError) -> Invalid:
    """Name each parameter that cannot be used, without repeating what was sent."""
    errors = [{key: item[key] for key in ("loc", "msg", "type")} for item in error.errors()]
    first = errors[0]
    where = ".".join(str(part) for part in first["loc"])
    return Invalid(f"{where}: {first['msg']}", errors=errors)


def reason(problem: Problem) -> str:
    """Name a problem in a word; what the framework refuses has its status for one."""
    return f"http-{problem.status_code}" if "type" in problem.members else problem.slug


async def render(request: Request, error: Exception) -> JSONResponse:
    """Write an error as problem+json, with the request's path and id. A plain function would be run in a thread."""
    request_id = request.scope.get("request_id")
    problem = as_problem(error, request_id)
    if problem.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        _name_methods(problem, request)
    note_problem(request.scope, reason(problem))
    body = problem.body() | {"instance": request.url.path, "request_id": request_id}
    # Starlette answers what nobody foresaw outside of all middleware: what that adds is added here too.
    headers = {**headers_for(request.url.path), **(problem.headers or {})}
    if request_id:
        headers["X-Request-ID"] = request_id
    return JSONResponse(body, problem.status_code, headers, MEDIA_TYPE)


async def nobody_left(_: Request, __: Exception) -> Response:
    """Answer a client that has gone away: nobody reads it, and nothing is wrong. 499 is nginx's number for it."""
    return Response(status_code=499)


def add_handlers(app: FastAPI) -> None:
    """Make `render` the only thing that writes an error: for ours, FastAPI's, Starlette's and what nobody foresaw."""
    for kind in (
        HTTPException,
        RequestValidationError,
        errors.ImageProblem,
        errors.DecodersUnavailable,
        QueueFull,
        Closed,
        store.StoreError,
        ArtifactsUnavailable,
        ArtifactDamaged,
        WeightsError,
        NotFinite,
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
    return problem


def _name_methods(problem: Problem, request: Request) -> None:
    """List the methods that an address takes: several routes may match it, and Starlette names one route's methods."""
    scope = {key: request.scope[key] for key in ("type", "path", "root_path")}
    allowed = ", ".join(
        method
        for method in METHODS
        if any(route.matches(scope | {"method": method})[0] is Match.FULL for route in request.app.routes)
    )
    problem.headers = {**(problem.headers or {}), "Allow": allowed}
    problem.detail = f"This address takes {allowed}. /docs lists the calls."
