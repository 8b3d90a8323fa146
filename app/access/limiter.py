"""Calls counted over all replicas, in Redis; in this process alone while Redis does not answer.

Nobody waits for Redis longer than `patience`, and only those who are under way when it falls silent: the breaker keeps
the others from asking. What this process has allowed is counted here all the time, so that the change is no new start.
"""

from __future__ import annotations

import asyncio
import math
import time
from contextlib import suppress

from limits import RateLimitItem, RateLimitItemPerSecond
from limits.aio.storage import RedisStorage
from limits.aio.strategies import SlidingWindowCounterRateLimiter
from redis.asyncio import ConnectionPool
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from app.access.breaker import PATIENCE, Breaker
from app.access.rates import Rate
from app.access.windows import LocalWindows, Verdict

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
