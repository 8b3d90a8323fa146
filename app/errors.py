"""One tree of errors, each with its status, and one renderer: application/problem+json (RFC 9457)."""

from __future__ import annotations

import logging
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, ClassVar

from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from app.inference.batcher import Closed, QueueFull
from jobs import errors as store
from vision import problems

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fastapi import FastAPI, Request

log = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"
URN = "urn:problem-type:bestguess:"


class Problem(HTTPException):
    """An answer that is an error. A subclass says which; `detail` says what happened and what to do.

    It is an HTTPException so that FastAPI, while it reads a body, hands it on instead of hiding it behind a 400.
    """

    status: ClassVar[int] = 500
    slug: ClassVar[str] = "internal-error"
    title: ClassVar[str] = "Something went wrong here"

    def __init__(
        self,
        detail: str,
        *,
        retry_after: int | None = None,
        close: bool = False,
        **members: Any,  # noqa: ANN401 - RFC 9457 allows any further members
    ) -> None:
        headers = {"Retry-After": str(retry_after)} if retry_after is not None else {}
        if close:
            headers["Connection"] = "close"
        super().__init__(self.status, detail, headers)
        self.members = members

    def body(self) -> dict[str, Any]:
        """Write the error down, without what belongs to the request."""
        return {
            "type": URN + self.slug,
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
            **self.members,
        }


class NotAnImage(Problem):
    """The bytes are not a picture, or a broken one."""

    status, slug, title = 400, "not-an-image", "This is not an image that can be read"


class MalformedBody(Problem):
    """The body is not what its Content-Type says."""

    status, slug, title = 400, "malformed-body", "The request's body cannot be read"


class NotFound(Problem):
    """Nothing is known by this name."""

    status, slug, title = 404, "not-found", "There is nothing here"


class Conflict(Problem):
    """Not in the state that it is in."""

    status, slug, title = 409, "conflict", "This cannot be done any more"


class TooLarge(Problem):
    """More bytes, pixels or work than is accepted."""

    status, slug, title = 413, "too-large", "This is larger than is accepted"


class UnsupportedMedia(Problem):
    """A format that is not accepted."""

    status, slug, title = 415, "unsupported-format", "This format is not accepted"


class Invalid(Problem):
    """Parameters, or fields of a body, that cannot be used; `errors` names each."""

    status, slug, title = 422, "invalid-parameters", "Some parameters cannot be used"


class Overloaded(Problem):
    """The queue is full."""

    status, slug, title = 429, "overloaded", "Too many images are waiting"


class TooManyJobs(Problem):
    """As many jobs wait as may."""

    status, slug, title = 429, "too-many-jobs", "Too many jobs are waiting"


class NotReady(Problem):
    """The model, or something that the call needs, is not there yet."""

    status, slug, title = 503, "not-ready", "Not ready yet"


class DeadlinePassed(Problem):
    """The answer took longer than the deadline."""

    status, slug, title = 504, "deadline-passed", "The answer took too long"


OF_VISION: Mapping[type[Exception], type[Problem]] = {
    problems.NotAnImage: NotAnImage,
    problems.BrokenImage: NotAnImage,
    problems.TooCostly: NotAnImage,
    problems.UnsupportedFormat: UnsupportedMedia,
    problems.TooManyPixels: TooLarge,
}


def as_problem(error: Exception) -> Problem:
    """Turn any error into the answer it deserves; what nobody foresaw becomes a 500 and is logged."""
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
            log.error("unforeseen error", exc_info=error)
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
    problem = as_problem(error)
    request_id = request.scope.get("request_id")
    body = problem.body() | {"instance": request.url.path, "request_id": request_id}
    headers = dict(problem.headers or {})
    if request_id:
        headers["X-Request-ID"] = request_id
    return JSONResponse(body, problem.status_code, headers, MEDIA_TYPE)


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
