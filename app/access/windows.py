"""Calls counted in this process: what Redis does for all replicas, for the time that it is away.

The window slides: of the calls in the one before, the part counts that still lies within a window's length from now,
rounded down, as the library does it in Redis.
"""

from __future__ import annotations

import math
import time
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

    from app.access.rates import Rate

MOST = 20_000  # clients remembered, those seen last


class Verdict(NamedTuple):
    """Whether a call may be, how many more may, and the seconds until there are more."""

    allowed: bool
    remaining: int
    reset: int


@dataclass(slots=True)
class _Count:
    rate: Rate
    window: int
    before: int = 0
    now: int = 0

    def move_to(self, window: int) -> None:
        if window != self.window:
            self.before = self.now if window == self.window + 1 else 0
            self.now, self.window = 0, window


class LocalWindows:
    """The counts of many clients, each by a name."""

    def __init__(self, clock: Callable[[], float] = time.monotonic, most: int = MOST) -> None:
        self._clock, self._most = clock, most
        self._counts: OrderedDict[str, _Count] = OrderedDict()

    def note(self, who: str, rate: Rate) -> None:
        """Count a call that another has allowed."""
        self._count(who, rate).now += 1

    def hit(self, who: str, rate: Rate) -> Verdict:
        """Count a call if it may be."""
        count = self._count(who, rate)
        passed = self._clock() % rate.seconds / rate.seconds
        room = rate.calls - count.now - int(count.before * (1 - passed))
        if room <= 0:
            return Verdict(allowed=False, remaining=0, reset=_free_in(count, passed))
        count.now += 1
        return Verdict(allowed=True, remaining=room - 1, reset=_seconds((1 - passed) * rate.seconds))

    def _count(self, who: str, rate: Rate) -> _Count:
        window = int(self._clock() // rate.seconds)
        count = self._counts.get(who)
        if count is None or count.rate != rate:
            count = self._counts[who] = _Count(rate, window)
        self._counts.move_to_end(who)
        if len(self._counts) > self._most:
            self._counts.popitem(last=False)
        count.move_to(window)
        return count


def _free_in(count: _Count, passed: float) -> int:
    """Tell the seconds until one more call may be: once enough of the window before has slid away, or this one has."""
    room = count.rate.calls - count.now
    until = 1 - room / count.before if room > 0 else 1.0
    return _seconds((until - passed) * count.rate.seconds)


def _seconds(exact: float) -> int:
    """Round up, and on from a whole number, or from what is one but for rounding: it is due a moment later."""
    return math.floor(exact + 1e-6) + 1
