"""Exceptions of the client: problems that the service reports, failed connections, and invalid arguments."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bestguess.schemas import Problem


class BestGuessError(Exception):
    """Base class of all errors. Its text is a sentence for people and never contains an API key."""


class InvalidArgument(BestGuessError, ValueError):
    """An argument is invalid; nothing was sent."""


class ServiceUnreachable(BestGuessError):
    """The service gave no complete response. Unless `sent` is False, it may still have done what was asked."""

    def __init__(self, url: str, reason: str, *, sent: bool = True) -> None:
        super().__init__(url, reason)
        self.url, self.reason, self.sent = url, reason, sent

    def __str__(self) -> str:
        return f"No answer from {self.url}: {self.reason}"


class UnexpectedAnswer(BestGuessError):
    """The response is not from a Best Guess service: another program or a proxy answers at this URL."""


class DownloadDamaged(BestGuessError):
    """The downloaded file has another SHA-256 than the service names; it was discarded."""


class StillRunning(BestGuessError, TimeoutError):
    """A job has not finished within the timeout."""


class ProblemError(BestGuessError):
    """A problem that the service reports (RFC 9457); `retry_after` is in seconds, or None."""

    def __init__(self, problem: Problem, retry_after: float | None = None) -> None:
        super().__init__(problem, retry_after)
        self.problem, self.retry_after = problem, retry_after

    def __str__(self) -> str:
        return self.problem.detail

    @property
    def status(self) -> int:
        """The HTTP status."""
        return self.problem.status

    @property
    def slug(self) -> str:
        """The problem's type as a slug, such as `not-an-image`."""
        return self.problem.type.rpartition(":")[2]

    @property
    def title(self) -> str:
        """The problem's type for people."""
        return self.problem.title

    @property
    def detail(self) -> str:
        """What happened, and what to do."""
        return self.problem.detail

    @property
    def errors(self) -> list[dict[str, Any]]:
        """The invalid parameters, one entry each."""
        return self.problem.errors or []

    @property
    def request_id(self) -> str | None:
        """The request's id in the service's log."""
        return self.problem.request_id


class InvalidImage(ProblemError):
    """Not an image or an archive of images, or it is broken, too large or of an unsupported format (400, 413, 415)."""


class NotAllowed(ProblemError):
    """The API key is missing, wrong, or lacks the scope (401, 403)."""


class NotFound(ProblemError):
    """The job, data set, model or alias does not exist (404)."""


class Conflict(ProblemError):
    """The current state does not allow it: a finished job cannot be cancelled, for example (409)."""


class InvalidParameters(ProblemError):
    """Parameters are invalid; `errors` names each (422)."""


class Busy(ProblemError):
    """A queue is full or a rate limit is reached (429)."""


class NotReady(ProblemError):
    """The service, a model or its Redis is not available yet, or not at the moment (503)."""


ERROR_BY_STATUS: dict[int, type[ProblemError]] = {
    401: NotAllowed,
    403: NotAllowed,
    404: NotFound,
    409: Conflict,
    413: InvalidImage,
    415: InvalidImage,
    422: InvalidParameters,
    429: Busy,
    503: NotReady,
}
IMAGE_SLUGS = {"not-an-image", "no-ink", "not-an-archive"}  # of problems with status 400


def error_for_problem(problem: Problem, retry_after: float | None) -> ProblemError:
    """Return the error of the class that belongs to a problem."""
    if problem.type.rpartition(":")[2] in IMAGE_SLUGS:
        return InvalidImage(problem, retry_after)
    return ERROR_BY_STATUS.get(problem.status, ProblemError)(problem, retry_after)
