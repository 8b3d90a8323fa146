"""A rate limiter over all replicas: calls are counted in Redis, and in this process while Redis does not answer.

Nobody waits for Redis longer than `patience`, and only the calls that are under way when it falls silent wait at all:
then the circuit breaker opens, and Redis is not asked until a probe in the background succeeds. What this process has
allowed is counted here all the time, so that a client gains nothing from the change.
"""

from __future__ import annotations

import asyncio
import logging
import math
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

from app.settings import Rate

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

log = logging.getLogger(__name__)

PREFIX = "bestguess:rate"
CONNECTIONS = 256  # more calls than are ever counted at the same moment
CLOCKS_APART = 1.0  # seconds by which a clock may be corrected and mean nothing
MOST_CLIENTS = 20_000  # clients that are counted in this process, those seen last
PROBE_SECONDS = 1.0  # for the answer to a probe
PROBE_PAUSES = (0.25, 0.5, 1.0, 2.0)  # seconds before the first probes
PROBE_PAUSE = 5.0  # seconds before each later one


class Verdict(NamedTuple):
    """Whether a call is allowed, how many more are, and the seconds until there are more."""

    allowed: bool
    remaining: int
    reset: int


class RateLimiter:
    """Counts calls. To be closed in the event loop in which it was used."""

    def __init__(self, redis_url: str | None, patience: float) -> None:
        self._local = LocalWindows()
        self._redis = RedisWindows(redis_url) if redis_url else None
        self._breaker = CircuitBreaker(self._redis.probe) if self._redis else None
        self._patience = patience
        self._connecting: asyncio.Task[None] | None = None

    def connect(self) -> None:
        """Connect in the background, so that the first call need not; to be called in the event loop."""
        if self._redis:
            self._connecting = asyncio.create_task(self._connect(self._redis), name="limiter")

    async def hit(self, who: str, rate: Rate) -> Verdict:
        """Count a call if it is allowed; never fails, and never waits for long."""
        if self._redis and self._breaker and not self._breaker.open:
            try:
                async with asyncio.timeout(self._patience):
                    verdict = await self._redis.hit(who, rate)
            except (RedisError, OSError) as error:  # TimeoutError is an OSError
                self._breaker.trip(error)
            else:
                if verdict.allowed:
                    self._local.note(who, rate)
                return verdict
        return self._local.hit(who, rate)

    async def aclose(self) -> None:
        """End the background tasks, and close the connections."""
        if self._connecting:
            self._connecting.cancel()
            await asyncio.wait({self._connecting})
        if self._redis and self._breaker:
            await self._breaker.aclose()
            await self._redis.aclose()

    @staticmethod
    async def _connect(redis: RedisWindows) -> None:
        with suppress(RedisError, OSError):  # the first call trips the breaker
            await redis.probe()


class RedisWindows:
    """The counts in Redis, kept by the library `limits`: a sliding window, as two counters a client."""

    def __init__(self, redis_url: str) -> None:
        self._pool = ConnectionPool.from_url(
            redis_url,
            retry=Retry(NoBackoff(), 0),
            max_connections=CONNECTIONS,
            socket_timeout=PROBE_SECONDS,
            socket_connect_timeout=PROBE_SECONDS,
        )
        self._storage = RedisStorage(
            "async+redis://",
            implementation="redispy",
            key_prefix=PREFIX,
            connection_pool=self._pool,  # type: ignore[arg-type]  # as its documentation has it
        )
        self._windows = SlidingWindowCounterRateLimiter(self._storage)

    async def hit(self, who: str, rate: Rate) -> Verdict:
        """Count a call if it is allowed.

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
        """Raise what `hit` raises: a full Redis still reads, so it is asked to count."""
        await self.hit("probe", Rate(1_000_000, 1))

    async def _outlasts(self, item: RateLimitItem, who: str) -> bool:
        """Return whether a client's windows are longer than any: Redis's clock was set back, and their end was not."""
        length = item.get_expiry()
        _, before, _, now = await self._storage.get_sliding_window(item.key_for(who), length)
        return max(before, now) > 2 * length + CLOCKS_APART

    async def aclose(self) -> None:
        """Close the connections."""
        await self._pool.aclose()


@dataclass(slots=True)
class _Count:
    """The calls of one client in the present window and in the one before."""

    rate: Rate
    window: int
    before: int = 0
    now: int = 0

    def move_to(self, window: int) -> None:
        if window != self.window:
            self.before = self.now if window == self.window + 1 else 0
            self.now, self.window = 0, window

    def seconds_until_free(self, passed: float) -> int:
        """Return when one more call is allowed: once enough of the window before has slid away, or this one has."""
        room = self.rate.calls - self.now
        until = 1 - room / self.before if room > 0 else 1.0
        return _whole_seconds((until - passed) * self.rate.seconds)


class LocalWindows:
    """The counts in this process: a sliding window, as two counters a client."""

    def __init__(self, clock: Callable[[], float] = time.monotonic, most: int = MOST_CLIENTS) -> None:
        self._clock, self._most = clock, most
        self._counts: OrderedDict[str, _Count] = OrderedDict()

    def note(self, who: str, rate: Rate) -> None:
        """Count a call that Redis has allowed."""
        self._count(who, rate).now += 1

    def hit(self, who: str, rate: Rate) -> Verdict:
        """Count a call if it is allowed."""
        count = self._count(who, rate)
        passed = self._clock() % rate.seconds / rate.seconds
        room = rate.calls - count.now - int(count.before * (1 - passed))
        if room <= 0:
            return Verdict(allowed=False, remaining=0, reset=count.seconds_until_free(passed))
        count.now += 1
        return Verdict(allowed=True, remaining=room - 1, reset=_whole_seconds((1 - passed) * rate.seconds))

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


def _whole_seconds(exact: float) -> int:
    """Round up, and on from a whole number, or from what is one but for rounding: it is due a moment later."""
    return math.floor(exact + 1e-6) + 1


class CircuitBreaker:
    """Circuit breaker before Redis: after a failure, calls are skipped until a background probe succeeds.

    `probe` raises, or hangs, while Redis does not answer.
    """

    def __init__(self, probe: Callable[[], Awaitable[object]]) -> None:
        self._probe = probe
        self._recovery: asyncio.Task[None] | None = None

    @property
    def open(self) -> bool:
        """Whether calls are to be skipped."""
        return self._recovery is not None and not self._recovery.done()

    def trip(self, error: Exception) -> None:
        """Open after a failure."""
        if not self.open:
            reason = str(error) or type(error).__name__
            log.warning("Redis does not count calls, so that each replica counts its own (%s)", reason)
            self._recovery = asyncio.create_task(self._recover(), name="breaker")

    async def aclose(self) -> None:
        """End the probes."""
        if self._recovery is not None:
            self._recovery.cancel()
            with suppress(asyncio.CancelledError):
                await self._recovery

    async def _recover(self) -> None:
        for pause in chain(PROBE_PAUSES, repeat(PROBE_PAUSE)):
            await asyncio.sleep(pause)
            with suppress(Exception):
                async with asyncio.timeout(PROBE_SECONDS):
                    await self._probe()
                log.info("Redis counts calls again")
                return
