"""Retries: which failures are retried, and after how many seconds. Nothing here sleeps."""

from __future__ import annotations

import random
import re
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import httpx

from bestguess.client.errors import BestGuessError, ProblemError, ServiceUnreachable

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from bestguess.client._request import Request

RETRIED_STATUSES = frozenset({429, 502, 503})  # 502 comes from a proxy while the service behind it restarts
UNLIMITED = 1_000_000  # attempts
FAILURES = (BestGuessError, httpx.RequestError)  # what one attempt may raise
NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol)
TIMEOUTS: dict[type[Exception], str] = {
    httpx.ConnectTimeout: "connecting timed out",
    httpx.ReadTimeout: "the response timed out",
    httpx.WriteTimeout: "sending timed out",
    httpx.PoolTimeout: "too many requests at once",
}
ERRNO = re.compile(r"^\[Errno -?\d+\] ")


@dataclass(frozen=True, slots=True)
class Retries:
    """How often and how long one call is retried: `attempts` at most, within `seconds` from the first.

    A Retry-After of the service is respected and never shortened. Otherwise the delay doubles from `first` up to
    `longest` seconds, each shortened by up to a half at random so that clients do not return all at once. Where no
    connection can be made, `unreachable` attempts are enough. Retries(attempts=1) never retries.
    """

    attempts: int = 6
    unreachable: int = 3
    seconds: float = 60.0
    first: float = 0.25
    longest: float = 8.0

    def lasting(self) -> Retries:
        """Return the same limited by seconds alone. What never retries stays so."""
        return self if self.attempts <= 1 else replace(self, attempts=UNLIMITED, unreachable=UNLIMITED)

    def pause(
        self, error: BestGuessError, attempt: int, elapsed: float, chance: float, *, repeatable: bool
    ) -> float | None:
        """Return the seconds to wait before the next attempt, or None to give up.

        `attempt` counts from 1, `elapsed` is seconds since the first, `chance` is random in 0 to 1. `repeatable` says
        whether sending the request twice does no harm.
        """
        backoff: float = min(self.longest, self.first * 2 ** min(attempt - 1, 60)) * (1 - chance / 2)
        match error:
            case ProblemError() if error.status in RETRIED_STATUSES:
                limit = self.attempts
                wait = backoff if error.retry_after is None else error.retry_after + self.first * chance
            case ServiceUnreachable() if repeatable or not error.sent:
                limit, wait = self.attempts if error.sent else min(self.attempts, self.unreachable), backoff
            case _:
                return None
        return wait if attempt < limit and elapsed + wait <= self.seconds else None


class Attempts:
    """Attempts of one request so far. `on_wait` is told the error and the seconds before each delay."""

    def __init__(
        self, request: Request[Any], url: str, retries: Retries, on_wait: Callable[[BestGuessError, float], None] | None
    ) -> None:
        self._request, self._url, self._retries, self._on_wait = request, url, retries, on_wait
        self._count, self._began = 0, time.monotonic()

    def restart(self) -> None:
        """Start counting again, as a chunk of a stream has arrived. From now on only time limits the attempts."""
        self._count, self._began = 0, time.monotonic()
        self._retries = self._retries.lasting()

    def pause_after(self, failure: Exception) -> float:
        """Return the seconds to wait before the next attempt.

        Raises:
            BestGuessError: there is no next one; this is why the last one failed.
        """
        error = failure if isinstance(failure, BestGuessError) else unreachable(failure, self._url)
        self._count += 1
        seconds = None
        if self._request.retry_busy or isinstance(error, ServiceUnreachable):
            elapsed, chance = time.monotonic() - self._began, random.random()  # noqa: S311 - not cryptography
            seconds = self._retries.pause(error, self._count, elapsed, chance, repeatable=self._request.repeatable)
        if seconds is None:
            raise error from None
        if self._on_wait:
            self._on_wait(error, seconds)
        return seconds


def unreachable(error: Exception, url: str) -> ServiceUnreachable:
    """Return the client's error for an error of httpx."""
    reason = TIMEOUTS.get(type(error)) or ERRNO.sub("", " ".join(str(error).split())) or type(error).__name__
    return ServiceUnreachable(url, reason, sent=not isinstance(error, NOT_SENT))
