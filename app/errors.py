"""One tree of errors, each with its status; `app.rendering` writes them as application/problem+json (RFC 9457)."""

from __future__ import annotations

from typing import Any, ClassVar

from starlette.exceptions import HTTPException

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
