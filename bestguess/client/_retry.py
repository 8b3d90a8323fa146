"""Whether to ask again, and after how long: nothing here waits, looks at a clock or draws lots by itself."""

from __future__ import annotations

from dataclasses import dataclass, replace
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

from bestguess.client.errors import ProblemError, ServiceUnreachable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bestguess.client.errors import BestGuessError

WORTH_WAITING = frozenset({429, 502, 503})  # 502 is a proxy's, while the service behind it starts again
MANY = 1_000_000


@dataclass(frozen=True, slots=True)
class Retries:
    """How patient a client is with one call: tries, and seconds from its first to its last.

    What the service names in Retry-After is waited for, and never less. Otherwise pauses double from `first` up to
    `longest`, each cut by up to a half at random so that clients do not come back all at once. Where nothing listens at
    all, `unreachable` tries are enough to know. Retries(attempts=1) never tries again.
    """

    attempts: int = 6
    unreachable: int = 3
    seconds: float = 60.0
    first: float = 0.25
    longest: float = 8.0

    def lasting(self) -> Retries:
        """The same in seconds, however many tries these take; but what never tries again does not do so here."""
        return self if self.attempts <= 1 else replace(self, attempts=MANY, unreachable=MANY)

    def pause(
        self, error: BestGuessError, attempt: int, elapsed: float, chance: float, *, repeatable: bool
    ) -> float | None:
        """Say how many seconds to wait before the next try; None is to give up.

        `attempt` counts from 1, `elapsed` is seconds since the first, `chance` is random in 0 to 1. `repeatable` says
        whether asking twice does no harm.
        """
        backoff: float = min(self.longest, self.first * 2 ** min(attempt - 1, 60)) * (1 - chance / 2)
        match error:
            case ProblemError() if error.status in WORTH_WAITING:
                limit = self.attempts
                wait = backoff if error.retry_after is None else error.retry_after + self.first * chance
            case ServiceUnreachable() if repeatable or not error.sent:
                limit, wait = self.attempts if error.sent else min(self.attempts, self.unreachable), backoff
            case _:
                return None
        return wait if attempt < limit and elapsed + wait <= self.seconds else None


def retry_after(headers: Mapping[str, str], now: float) -> float | None:
    """Read Retry-After as seconds from now (RFC 9110, 10.2.3): a number, or a date; None if it is neither.

    `now` is seconds since 1970. A date is compared with the server's own clock where the answer has a Date.
    """
    text = headers.get("Retry-After", "").strip()
    if text.isascii() and text.isdigit():
        return float(text)
    until = moment(text)
    if until is None:
        return None
    return max(0.0, until - (moment(headers.get("Date", "")) or now))


def moment(text: str) -> float | None:
    """Read an HTTP date as seconds since 1970."""
    try:
        return parsedate_to_datetime(text).timestamp()
    except (ValueError, OverflowError):
        return None
