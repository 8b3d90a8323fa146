"""The tries of one call: turns what went wrong into an error of ours, and says how long to wait, or gives up."""

from __future__ import annotations

import random
import re
import time
from typing import TYPE_CHECKING

import httpx

from bestguess.client._retry import retry_after
from bestguess.client.errors import BestGuessError, ServiceUnreachable, UnexpectedAnswer, of_problem
from bestguess.schemas import Problem

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from bestguess.client._request import Call
    from bestguess.client._retry import Retries

NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol)
WORDS: dict[type[Exception], str] = {
    httpx.ConnectTimeout: "no connection in time",
    httpx.ReadTimeout: "no answer in time",
    httpx.WriteTimeout: "what is sent is not taken",
    httpx.PoolTimeout: "too many calls at once",
}
ERRNO = re.compile(r"^\[Errno -?\d+\] ")
CAUGHT = (BestGuessError, httpx.RequestError)


class Trial:
    """Counts tries and time; `wait` is told of each pause before it begins."""

    def __init__(
        self, call: Call[Any], url: str, retries: Retries, wait: Callable[[BestGuessError, float], None] | None
    ) -> None:
        self._call, self._url, self._retries, self._tell = call, url, retries, wait
        self._attempt, self._began = 0, time.monotonic()

    def heard(self) -> None:
        """Count anew after a piece of a stream, and from now on by time alone: who was there may be back."""
        self._attempt, self._began = 0, time.monotonic()
        self._retries = self._retries.lasting()

    def pause(self, caught: Exception) -> float:
        """Say how many seconds to wait before the next try.

        Raises:
            BestGuessError: this was the last one.
        """
        error = caught if isinstance(caught, BestGuessError) else unreachable(caught, self._url)
        self._attempt += 1
        elapsed, chance = time.monotonic() - self._began, random.random()  # noqa: S311 - keeps no secret
        repeatable = self._call.repeatable
        seconds = None
        if self._call.patient or isinstance(error, ServiceUnreachable):
            seconds = self._retries.pause(error, self._attempt, elapsed, chance, repeatable=repeatable)
        if seconds is None:
            raise error from None
        if self._tell:
            self._tell(error, seconds)
        return seconds


def unreachable(error: Exception, url: str) -> ServiceUnreachable:
    """Say in words why no whole answer came."""
    reason = WORDS.get(type(error)) or ERRNO.sub("", " ".join(str(error).split())) or type(error).__name__
    return ServiceUnreachable(url, reason, sent=not isinstance(error, NOT_SENT))


def check(response: httpx.Response) -> None:
    """Make sure that an answer, whose body is read, is what was asked for.

    Raises:
        ProblemError: it says what is wrong.
        UnexpectedAnswer: it sends us elsewhere, where no key of ours is to go.
    """
    if response.is_success:
        return
    if response.is_redirect:
        target = response.headers.get("Location", "elsewhere")
        where = shown(response.request.url.join(target)) if "Location" in response.headers else target
        raise UnexpectedAnswer(f"{shown(response.request.url)} sends us on to {where}; if that is right, use that URL")
    raise of_problem(_problem(response), retry_after(response.headers, time.time()))


def shown(url: httpx.URL) -> str:
    """Write a URL down without what may be a password."""
    return str(url.copy_with(userinfo=b"", query=None, fragment=None)).rstrip("/")


def _problem(response: httpx.Response) -> Problem:
    """Read the problem, or make one of what a proxy, or who else, has answered."""
    try:
        return Problem.model_validate_json(response.content)
    except ValueError:
        words = f"{response.status_code} {response.reason_phrase}".strip()
        detail = f"{shown(response.request.url)} answers {words}, and nothing of what is wrong"
        return Problem(
            type="about:blank", title=response.reason_phrase or words, status=response.status_code, detail=detail
        )
