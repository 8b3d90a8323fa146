"""Calls counted over all replicas, in Redis; in this process alone while Redis does not answer.

Nobody waits for Redis longer than `patience`, and only those who are under way when it falls silent: the breaker keeps
the others from asking. What this process has allowed is counted here all the time, so that the change is no new start.
"""

from __future__ import annotations

import asyncio
import logging
import math
import re
import time
from collections import OrderedDict
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain, repeat
from typing import TYPE_CHECKING, NamedTuple

from limits import RateLimitItem, RateLimitItemPerSecond
from limits.aio.storage import RedisStorage
from limits.aio.strategies import SlidingWindowCounterRateLimiter
from redis.asyncio import ConnectionPool
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable


PREFIX = "bestguess:rate"
CONNECTIONS = 256  # more calls than are ever counted at the same moment
CLOCKS_APART = 1.0  # seconds by which a clock may be corrected and mean nothing
ALONE = "Redis does not count calls, so that each replica counts its own"


class SharedWindows:
    """The counts in Redis, kept by the library `limits`: a sliding window, as two counters a client."""

    def __init__(self, redis_url: str) -> None:
        self._pool = ConnectionPool.from_url(
            redis_url,
            retry=Retry(NoBackoff(), 0),
            max_connections=CONNECTIONS,
            socket_timeout=PATIENCE,
            socket_connect_timeout=PATIENCE,
        )
        self._storage = RedisStorage(
            "async+redis://",
            implementation="redispy",
            key_prefix=PREFIX,
            connection_pool=self._pool,  # type: ignore[arg-type]  # as its documentation has it
        )
        self._windows = SlidingWindowCounterRateLimiter(self._storage)

    async def hit(self, who: str, rate: Rate) -> Verdict:
        """Count a call if it may be.

        Raises:
            RedisError, OSError: Redis does not answer.
        """
        item = RateLimitItemPerSecond(rate.calls, rate.seconds)
        allowed = await self._windows.hit(item, who)
        if not allowed and await self._outlasts(item, who):
            await self._windows.clear(item, who)
            allowed = await self._windows.hit(item, who)
        reset, remaining = await self._windows.get_window_stats(item, who)
        return Verdict(allowed, remaining if allowed else 0, max(1, math.floor(reset - time.time()) + 1))

    async def probe(self) -> None:
        """Raise what `hit` does: a full Redis still reads, so it is asked to count."""
        await self.hit("probe", Rate(1_000_000, 1))

    async def _outlasts(self, item: RateLimitItem, who: str) -> bool:
        """Say whether a client's windows are longer than any: Redis's clock was set back, and their end was not."""
        length = item.get_expiry()
        _, before, _, now = await self._storage.get_sliding_window(item.key_for(who), length)
        return max(before, now) > 2 * length + CLOCKS_APART

    async def aclose(self) -> None:
        """Close the connections."""
        await self._pool.aclose()


class Limiter:
    """Counts calls. To be closed in the event loop that it was used in."""

    def __init__(self, redis_url: str | None, patience: float) -> None:
        self._local = LocalWindows()
        self._shared = SharedWindows(redis_url) if redis_url else None
        self._breaker = Breaker(ALONE, self._shared.probe) if self._shared else None
        self._patience = patience
        self._greeting: asyncio.Task[None] | None = None

    def greet(self) -> None:
        """Connect now, aside, so that the first call need not; to be called in the event loop."""
        if self._shared:
            self._greeting = asyncio.create_task(self._greet(self._shared), name="limiter")

    async def hit(self, who: str, rate: Rate) -> Verdict:
        """Count a call if it may be; never fails, and never waits for long."""
        if self._shared and self._breaker and not self._breaker.open:
            try:
                async with asyncio.timeout(self._patience):
                    verdict = await self._shared.hit(who, rate)
            except (RedisError, OSError) as error:  # TimeoutError is an OSError
                self._breaker.trip(error)
            else:
                if verdict.allowed:
                    self._local.note(who, rate)
                return verdict
        return self._local.hit(who, rate)

    async def aclose(self) -> None:
        """End what it has begun."""
        if self._greeting:
            self._greeting.cancel()
            await asyncio.wait({self._greeting})
        if self._shared and self._breaker:
            await self._breaker.aclose()
            await self._shared.aclose()

    @staticmethod
    async def _greet(shared: SharedWindows) -> None:
        with suppress(RedisError, OSError):  # the first call will hear of it
            await shared.probe()


# Calls counted in this process: what Redis does for all replicas, for the time that it is away.
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


# Who did not answer is not asked again until a question asked aside, which nobody waits for, is answered.
log = logging.getLogger(__name__)

PATIENCE = 1.0  # seconds for an answer to the question aside


class Breaker:
    """Whether `what` may be asked; `probe` asks it, and raises or is silent where it does not answer."""

    def __init__(self, what: str, probe: Callable[[], Awaitable[object]]) -> None:
        self._what, self._probe = what, probe
        self._recovery: asyncio.Task[None] | None = None

    @property
    def open(self) -> bool:
        """Whether it had better not be asked."""
        return self._recovery is not None and not self._recovery.done()

    def trip(self, error: Exception) -> None:
        """Ask no more for a while."""
        if not self.open:
            log.warning("%s (%s)", self._what, str(error) or type(error).__name__)
            self._recovery = asyncio.create_task(self._recover(), name="breaker")

    async def aclose(self) -> None:
        """Stop asking aside."""
        if self._recovery is not None:
            self._recovery.cancel()
            with suppress(asyncio.CancelledError):
                await self._recovery

    async def _recover(self) -> None:
        for pause in chain((0.25, 0.5, 1.0, 2.0), repeat(5.0)):
            await asyncio.sleep(pause)
            with suppress(Exception):
                async with asyncio.timeout(PATIENCE):
                    await self._probe()
                log.info("that is over")
                return


# How often: so many calls in a span of time, written as `60/minute`.
SECONDS = {"second": 1, "minute": 60, "hour": 3600, "day": 86_400}
_RATE = re.compile(r"(?P<calls>[1-9][0-9]{0,8})/(?P<unit>second|minute|hour|day)")


@dataclass(frozen=True, slots=True)
class Rate:
    """At most `calls` in any `seconds`."""

    calls: int
    seconds: int

    @classmethod
    def parse(cls, text: str) -> Rate:
        """Read `60/minute`.

        Raises:
            ValueError: it is not written so.
        """
        match = _RATE.fullmatch(text)
        if match is None:
            raise ValueError("a rate is written as 60/minute: a number from 1, '/', and second, minute, hour or day")
        return cls(int(match["calls"]), SECONDS[match["unit"]])


def check_rate(text: str) -> str:
    """Return a rate as it was written.

    Raises:
        ValueError: as `Rate.parse`.
    """
    Rate.parse(text)
    return text
