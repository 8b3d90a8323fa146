"""One tree of errors: what a service said, that it could not be asked, or that the question makes no sense."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bestguess.schemas import Problem


class BestGuessError(Exception):
    """The base of them all; its text is for people and never has a key in it."""


class InvalidArgument(BestGuessError, ValueError):
    """Something that was handed over cannot be used; nothing was sent."""


class ServiceUnreachable(BestGuessError):
    """No whole answer came. Unless `sent` is False, what was asked for may have happened all the same."""

    def __init__(self, url: str, reason: str, *, sent: bool = True) -> None:
        super().__init__(url, reason)
        self.url, self.reason, self.sent = url, reason, sent

    def __str__(self) -> str:
        return f"No answer from {self.url}: {self.reason}"


class UnexpectedAnswer(BestGuessError):
    """The answer is not this service's: another program listens there, or a proxy answers in its place."""


class DownloadDamaged(BestGuessError):
    """What came is not the file that the service has on record; nothing was kept."""


class StillRunning(BestGuessError, TimeoutError):
    """A job has not come to its end in the time for which it was waited."""


class ProblemError(BestGuessError):
    """What the service says is wrong, as RFC 9457 has it; `retry_after` is seconds, where it names them."""

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
        """The kind of problem in a word, such as `not-an-image`."""
        return self.problem.type.rpartition(":")[2]

    @property
    def title(self) -> str:
        """The kind of problem for people."""
        return self.problem.title

    @property
    def detail(self) -> str:
        """What happened, and what to do."""
        return self.problem.detail

    @property
    def errors(self) -> list[dict[str, Any]]:
        """Each parameter that cannot be used."""
        return self.problem.errors or []

    @property
    def request_id(self) -> str | None:
        """What the service's log calls the request."""
        return self.problem.request_id


class InvalidImage(ProblemError):
    """Not a picture, or not an archive of them; broken, too large, or of a format not accepted (400, 413, 415)."""


class NotAllowed(ProblemError):
    """The key is missing, wrong, or may not do this (401, 403)."""


class NotFound(ProblemError):
    """There is no such job, data set, model or alias (404)."""


class Conflict(ProblemError):
    """Not in the state that it is in: a finished job cannot be cancelled (409)."""


class InvalidParameters(ProblemError):
    """Parameters that cannot be used; `errors` names each (422)."""


class Busy(ProblemError):
    """As many images or jobs wait as may (429)."""


class NotReady(ProblemError):
    """The service, a model, or the Redis behind it is not there yet, or at this moment (503)."""


BY_STATUS: dict[int, type[ProblemError]] = {
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
OF_IMAGES = {"not-an-image", "no-ink", "not-an-archive"}  # the slugs of 400 that are the picture's fault


def of_problem(problem: Problem, retry_after: float | None) -> ProblemError:
    """Choose the class for a problem."""
    if problem.type.rpartition(":")[2] in OF_IMAGES:
        return InvalidImage(problem, retry_after)
    return BY_STATUS.get(problem.status, ProblemError)(problem, retry_after)
