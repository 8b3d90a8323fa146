"""Many viewers of many jobs over one listening connection.

Each script that adds an event also publishes the job's id on one channel. The feed listens to that channel, and a word
on it only wakes the job's viewers, who read on in the stream from where they are. So nothing is lost or repeated
between history and live tail, whatever becomes of the channel; a slow viewer costs a page of events, however far it is
behind; and viewers at the same place share one read.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from contextlib import aclosing, asynccontextmanager, suppress
from itertools import chain, repeat
from typing import TYPE_CHECKING, Any

from jobs.background import supervise
from jobs.connection import translated
from jobs.errors import JobNotFound, RecordDamaged, StoreUnavailable
from jobs.shared_reads import SharedReads

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Iterator
    from typing import Self

    from bestguess.schemas.jobs import Event
    from jobs.async_store import AsyncJobStore
    from jobs.records import EventPage

RECHECK_SECONDS = 2.0  # read on without being woken: a connection can be dead for long without a sign of it
LONGEST_PAUSE = 1.0  # seconds between attempts to listen


class EventFeed:
    """Follows jobs for the viewers of this process; to be made inside its event loop, and closed before the store."""

    def __init__(self, store: AsyncJobStore) -> None:
        self._store, self._reads = store, SharedReads(store)
        self._closing: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._listener: asyncio.Task[None] | None = None
        self._viewers: defaultdict[str, set[asyncio.Event]] = defaultdict(set)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self.close()
        await self._reads.wait_closed()
        while self._listener is not None and not self._listener.done():
            self._listener.cancel()  # again: redis-py can lose a cancel that meets a connection as it breaks
            await asyncio.wait({self._listener}, timeout=0.1)

    @property
    def viewers(self) -> int:
        """How many follow a job at this moment."""
        return sum(map(len, self._viewers.values()))

    def close(self) -> None:
        """End every subscription at once; to be called in the event loop's thread, as often as one likes."""
        if not self._closing.done():
            self._closing.set_result(None)
        self._wake(*self._viewers)
        self._reads.close()
        if self._listener is not None:
            self._listener.cancel()

    @asynccontextmanager
    async def subscribe(self, job_id: str, after: str | None = None) -> AsyncIterator[AsyncIterator[Event]]:
        """Follow a job from after the event with the id `after`, or from its first; ends after the terminal event.

        While Redis is away the iteration waits; it ends early if the feed is closed, or the job is
        removed or damaged.

        Raises:
            JobNotFound, RecordDamaged: there is no such job, or it cannot be read. All of these come before the first
                event.
            InvalidCursor: `after` is no event's id.
            StoreUnavailable: Redis is away.
        """
        woken = asyncio.Event()
        self._viewers[job_id].add(woken)
        try:
            self._start_listening()
            page = await self._read(job_id, after)
            async with aclosing(self._follow(job_id, after, page, woken)) as events:
                yield events
        finally:
            self._forget(job_id, woken)

    async def _follow(
        self, job_id: str, after: str | None, page: EventPage | None, woken: asyncio.Event
    ) -> AsyncGenerator[Event, None]:
        while page is not None:
            for event in page.events:
                if self._closing.done():
                    return
                yield event
                after = event.id
            if not page.has_more:
                if page.finished:
                    return
                await _until(woken)
            woken.clear()  # before reading: a word that comes while it reads makes it read once more
            page = await self._read_in_time(job_id, after)

    async def _read_in_time(self, job_id: str, after: str | None) -> EventPage | None:
        for pause in _pauses():
            try:
                return await self._read(job_id, after)
            except (JobNotFound, RecordDamaged):
                return None
            except StoreUnavailable:
                await asyncio.wait({self._closing}, timeout=pause)
        return None

    async def _read(self, job_id: str, after: str | None) -> EventPage | None:
        """Read a page; None once the feed is closed, even if Redis is silent."""
        if self._closing.done():
            return None
        read = self._reads.start(job_id, after)
        ends: set[asyncio.Future[Any]] = {read, self._closing}
        await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        return None if self._closing.done() else read.result()

    def _start_listening(self) -> None:
        if self._listener is None and not self._closing.done():
            self._listener = asyncio.create_task(
                supervise("event feed", self._listen, LONGEST_PAUSE), name="event feed"
            )

    async def _listen(self) -> None:
        with translated():
            async with self._store.listen() as channel:
                await channel.subscribe(self._store.channel)
                while True:
                    if message := await channel.get_message(timeout=RECHECK_SECONDS):
                        self._hear(message)

    def _hear(self, message: dict[str, Any]) -> None:
        if message["type"] == "message":
            self._wake(message["data"])
        else:  # the subscription stands, for the first time or again: what was said before it was not heard
            self._wake(*self._viewers)

    def _wake(self, *job_ids: str) -> None:
        for job_id in job_ids:
            self._reads.outdate(job_id)
            for woken in self._viewers.get(job_id, ()):
                woken.set()

    def _forget(self, job_id: str, woken: asyncio.Event) -> None:
        self._viewers[job_id].remove(woken)
        if not self._viewers[job_id]:
            del self._viewers[job_id]


def _pauses() -> Iterator[float]:
    """Seconds between attempts while Redis is away."""
    return chain((0.1, 0.2, 0.5), repeat(1.0))


async def _until(woken: asyncio.Event) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(RECHECK_SECONDS):
            await woken.wait()
