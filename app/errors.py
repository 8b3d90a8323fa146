"""Errors of the web service, and what every error becomes: application/problem+json (RFC 9457).

An error says what is wrong by three class attributes: `slug`, which programs read, `title`, and `category`. Those of
`jobs` and `vision` have the same three. Only this module knows which HTTP status a category has.
"""

from __future__ import annotations

import logging
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.routing import Match

from jobs.errors import JobsError
from vision.errors import VisionError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from fastapi import FastAPI, Request

log = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"
URN = "urn:problem-type:bestguess:"
CHALLENGE = 'Bearer realm="bestguess"'
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")  # in the order in which `Allow` lists them
CLIENT_CLOSED_REQUEST = 499  # nginx's number for a client that went away before its answer
STATUSES: Mapping[str, int] = {
    "unreadable": 400,
    "unauthenticated": 401,
    "forbidden": 403,
    "not found": 404,
    "conflict": 409,
    "too large": 413,
    "unsupported": 415,
    "misdirected": 421,
    "invalid": 422,
    "busy": 429,
    "broken": 500,
    "unavailable": 503,
    "timeout": 504,
}


class Problem(Exception):
    """The base of the service's errors. A subclass says which; `detail` says what happened and what to do.

    `members` are further members of the JSON object; `log_level` is the level at which the detail is logged.
    """

    slug = "internal-error"
    title = "Something went wrong here"
    category = "broken"
    retry_after: int | None = None  # seconds
    log_level: int = logging.NOTSET

    def __init__(
        self,
        detail: str,
        *,
        retry_after: int | None = None,
        headers: Mapping[str, str] | None = None,
        **members: Any,  # noqa: ANN401 - RFC 9457 allows any further members
    ) -> None:
        super().__init__(detail)
        self.detail, self.members = detail, members
        self.type, self.status = URN + self.slug, STATUSES[self.category]
        self.retry_after = retry_after or self.retry_after
        self.headers = dict(headers or {})
        if self.retry_after is not None:
            self.headers["Retry-After"] = str(self.retry_after)

    def body(self) -> dict[str, Any]:
        """Return the JSON object, without what belongs to the request."""
        return {"type": self.type, "title": self.title, "status": self.status, "detail": self.detail, **self.members}


class MalformedBody(Problem):
    """The body is not what its Content-Type says."""

    slug, title, category = "malformed-body", "The request's body cannot be read", "unreadable"


class NotAnArchive(Problem):
    """The body is not an archive that can be read."""

    slug, title, category = "not-an-archive", "This is not an archive that can be read", "unreadable"


class NoKey(Problem):
    """A key is needed, and no valid one was sent; `error` is RFC 6750's code for what was wrong with it."""

    slug, title, category = "no-key", "A key is needed", "unauthenticated"

    def __init__(self, detail: str, error: str | None = None) -> None:
        challenge = CHALLENGE + (f', error="{error}"' if error else "")
        super().__init__(detail, headers={"WWW-Authenticate": challenge})


class OutOfScope(Problem):
    """The key is valid, but not for this call."""

    slug, title, category = "out-of-scope", "This key is not for this call", "forbidden"

    def __init__(self, scopes: Sequence[str]) -> None:
        challenge = f'{CHALLENGE}, error="insufficient_scope", scope="{" ".join(scopes)}"'
        super().__init__(
            f"This call needs a key with the scope {' or '.join(scopes)}.",
            headers={"WWW-Authenticate": challenge},
            scopes=list(scopes),
        )


class ForeignOrigin(Problem):
    """A page of another site tries to change something."""

    slug, title, category = "foreign-origin", "This page may not call here", "forbidden"

    def __init__(self) -> None:
        super().__init__("The request comes from another site's page. BESTGUESS_CORS_ORIGINS lists those that may.")


class NotFound(Problem):
    """There is nothing of this name."""

    slug, title, category = "not-found", "There is nothing here", "not found"


class Conflict(Problem):
    """The call does not fit the state of what it is about."""

    slug, title, category = "conflict", "This cannot be done", "conflict"


class TooLarge(Problem):
    """More bytes, pixels or work than is accepted."""

    slug, title, category = "too-large", "This is larger than is accepted", "too large"


class UnsupportedMedia(Problem):
    """A format that is not accepted."""

    slug, title, category = "unsupported-format", "This format is not accepted", "unsupported"


class WrongHost(Problem):
    """The header Host has a name that is not the service's, is absent, or stands there several times."""

    slug, title, category = "wrong-host", "This service has another name", "misdirected"

    def __init__(self, host: str) -> None:
        named = f"'{host[:80]}' in the header Host is no name of this service." if host else "There is no header Host."
        super().__init__(f"{named} BESTGUESS_ALLOWED_HOSTS lists further ones.")


class Invalid(Problem):
    """Parameters, or fields of a body, that cannot be used; the member `errors` names each."""

    slug, title, category = "invalid-parameters", "Some parameters cannot be used", "invalid"


class RateExceeded(Problem):
    """More calls than this caller may make in that time."""

    slug, title, category = "rate-exceeded", "Too many calls", "busy"

    def __init__(self, calls: int, seconds: int, retry_after: int, headers: Mapping[str, str]) -> None:
        allowed = f"At most {calls:,} calls in {seconds:,} s are accepted"
        super().__init__(f"{allowed}; the next one in {retry_after:,} s.", retry_after=retry_after, headers=headers)


class Overloaded(Problem):
    """The queue of images is full."""

    slug, title, category = "overloaded", "Too many images are waiting", "busy"


class NotReady(Problem):
    """The model, or something else that the call needs, is not there yet."""

    slug, title, category = "not-ready", "Not ready yet", "unavailable"


class ModelUnusable(Problem):
    """A network cannot be used until a person does something about it, so that a client had better wait for a while."""

    slug, title, category = "model-unusable", "This model cannot be used", "unavailable"
    retry_after = 30


class NotEnoughMemory(ModelUnusable):
    """There is no memory for a network that is loaded when it is first asked."""

    slug, title = "not-enough-memory", "There is no room for this model"


class OtherWeights(ModelUnusable):
    """A fine-tuned model was trained on other weights than its base is served with."""

    slug, title = "other-weights", "This model was trained on other weights"


class StorageUnavailable(Problem):
    """The disk is full, or the store of the data sets does not answer."""

    slug, title, category = "storage-unavailable", "Data sets cannot be kept or read now", "unavailable"
    retry_after = 30


class DeadlinePassed(Problem):
    """The answer took longer than the deadline."""

    slug, title, category = "deadline-passed", "The answer took too long", "timeout"


class DomainProblem(Problem):
    """An error of `jobs` or `vision`."""

    def __init__(self, error: JobsError | VisionError) -> None:
        self.slug, self.title, self.category = error.slug, error.title, error.category
        self.log_level = error.log_level
        super().__init__(error.answer.format(error=error), retry_after=error.retry_after)


class FrameworkProblem(Problem):
    """An error that FastAPI or Starlette raised: an address that nothing answers, a method that it does not take."""

    def __init__(self, error: HTTPException) -> None:
        super().__init__(str(error.detail), headers=error.headers)
        self.slug, self.type = f"http-{error.status_code}", "about:blank"
        self.status, self.title = error.status_code, HTTPStatus(error.status_code).phrase
        if self.status == HTTPStatus.NOT_FOUND:
            self.detail = "There is nothing at this address. /docs lists the calls."


def problem_of(error: Exception, request_id: str | None) -> Problem:
    """Turn any error into a problem, and log it under the request's id where an operator should know of it."""
    match error:
        case Problem():
            problem = error
        case JobsError() | VisionError():
            problem = DomainProblem(error)
        case RequestValidationError():
            problem = _invalid(error)
        case HTTPException(__cause__=Problem() as cause):  # FastAPI hides what was raised while it read the body
            problem = cause
        case HTTPException():
            problem = FrameworkProblem(error)
        case _:
            log.error("request %s met an unforeseen error", request_id, exc_info=error)
            problem = Problem("This is our fault, and it has been logged. The request id finds it in the log.")
    if problem.log_level:
        log.log(problem.log_level, "request %s: %s", request_id, error)
    return problem


async def render(request: Request, error: Exception) -> JSONResponse:
    """Write an error as problem+json, with the request's path and id. A plain function would be run in a thread."""
    request_id = request.scope.get("request_id")
    problem = problem_of(error, request_id)
    if problem.status == HTTPStatus.METHOD_NOT_ALLOWED:
        _name_methods(problem, request)
    request.state.problem = problem.slug  # for the access log and the metrics
    body = problem.body() | {"instance": request.url.path, "request_id": request_id}
    return JSONResponse(body, problem.status, problem.headers, MEDIA_TYPE)


async def nobody_left(_: Request, __: Exception) -> Response:
    """Answer a client that has gone away: nobody reads it, and nothing is wrong."""
    return Response(status_code=CLIENT_CLOSED_REQUEST)


def add_handlers(app: FastAPI) -> None:
    """Have `render` write every error that is foreseen; the middleware of the access log has it write the others."""
    for kind in (Problem, JobsError, VisionError, HTTPException, RequestValidationError):
        app.add_exception_handler(kind, render)
    app.add_exception_handler(ClientDisconnect, nobody_left)


def _invalid(error: RequestValidationError) -> Invalid:
    """Name each parameter that cannot be used, without repeating what was sent."""
    errors = [{key: item[key] for key in ("loc", "msg", "type")} for item in error.errors()]
    first = errors[0]
    where = ".".join(str(part) for part in first["loc"])
    return Invalid(f"{where}: {first['msg']}", errors=errors)


def _name_methods(problem: Problem, request: Request) -> None:
    """List the methods that an address takes: several routes may match it, and Starlette names one route's methods."""
    scope = {key: request.scope[key] for key in ("type", "path", "root_path")}
    allowed = ", ".join(
        method
        for method in METHODS
        if any(route.matches(scope | {"method": method})[0] is Match.FULL for route in request.app.routes)
    )
    problem.headers["Allow"] = allowed
    problem.detail = f"This address takes {allowed}. /docs lists the calls."
