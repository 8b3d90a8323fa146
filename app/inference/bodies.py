"""The bodies that are being read: so many at once, and a slow one makes way."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from app.inference.batcher import QueueFull

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

SLOW = 10.0  # seconds; 20 MB take them at 16 Mbit/s


class Bodies:
    """At most `most` at once. What waits to be read counts as little as what is read slowly: both are memory.

    Where there are as many, a body that has been read for `slow` seconds makes way for the next, so that as many slow
    clients keep nobody out for as long as a request may take to arrive.
    """

    def __init__(self, most: int, slow: float = SLOW) -> None:
        self._most, self._slow = most, slow
        self._clocks: dict[asyncio.Timeout, float] = {}  # and when each began, the first of them first

    @property
    def count(self) -> int:
        """How many are being read."""
        return len(self._clocks)

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[None]:
        """Read one in the block.

        Raises:
            QueueFull: as many are being read; before the block, or in it, where this one made way.
        """
        self._make_room()
        try:
            async with asyncio.timeout(None) as clock:
                self._clocks[clock] = asyncio.get_running_loop().time()
                try:
                    yield
                finally:
                    self._clocks.pop(clock, None)
        except TimeoutError:
            raise QueueFull from None

    def _make_room(self) -> None:
        if len(self._clocks) < self._most:
            return
        now = asyncio.get_running_loop().time()
        first, began = next(iter(self._clocks.items()))
        if now - began < self._slow:
            raise QueueFull
        del self._clocks[first]
        first.reschedule(now)
