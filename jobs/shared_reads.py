"""Reading events for many viewers: those at the same place of the same job share one read, and reads take turns."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jobs.async_store import AsyncJobStore
    from jobs.records import EventPage

PAGE = 100  # events read at once, which is also the most that waits for a slow viewer

Place = tuple[str, str | None]  # a job's id, and that of the event before


class SharedReads:
    """The reads under way, by the place at which they begin."""

    def __init__(self, store: AsyncJobStore) -> None:
        self._store = store
        self._by_place: dict[Place, asyncio.Task[EventPage]] = {}
        self._running: set[asyncio.Task[EventPage]] = set()
        self._turn = asyncio.Lock()  # so that many viewers do not take many connections

    def start(self, job_id: str, after: str | None) -> asyncio.Task[EventPage]:
        """Begin to read on after an event, or join one who has begun; the result raises what `store.events` does.

        The task belongs to all who wait for it: wait with `asyncio.wait`, which does not cancel it.
        """
        place = job_id, after
        if place not in self._by_place:
            task = asyncio.create_task(self._read(job_id, after))
            self._by_place[place] = task
            self._running.add(task)
            task.add_done_callback(partial(self._ended, place))
        return self._by_place[place]

    def outdate(self, job_id: str) -> None:
        """Let nobody join the reads of this job that are under way: they may not see what has happened just now."""
        for place in [place for place in self._by_place if place[0] == job_id]:
            del self._by_place[place]

    def close(self) -> None:
        """Stop every read at once."""
        for task in self._running:
            task.cancel()

    async def wait_closed(self) -> None:
        """Wait until they have stopped."""
        await asyncio.gather(*self._running, return_exceptions=True)

    async def _read(self, job_id: str, after: str | None) -> EventPage:
        async with self._turn:
            return await self._store.events(job_id, after, PAGE)

    def _ended(self, place: Place, task: asyncio.Task[EventPage]) -> None:
        self._running.discard(task)
        if self._by_place.get(place) is task:
            del self._by_place[place]
        if not task.cancelled():
            task.exception()  # all who waited may have left; asyncio would complain that nobody looked
