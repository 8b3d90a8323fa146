"""Viewers of job events, and measurements of what they cost."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from bestguess.schemas.jobs import Event, JobStatus
from jobs.async_store import AsyncJobStore
from jobs.connection import connect_async
from jobs.feed import EventFeed
from support.job_store import progress

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from jobs.records import Claim
    from support.redis_server import LiveRedis
    from support.stores import FullStore

PATIENCE = 120.0  # seconds for a scenario, on a machine that does other things as well


def with_feed(server: LiveRedis, scenario: Callable[[EventFeed], Awaitable[None]], url: str | None = None) -> None:
    """Run a scenario with a feed of its own, in time; `url` is the server's unless given."""

    async def run() -> None:
        async with asyncio.timeout(PATIENCE), feed_of(url or server.url) as feed:
            await scenario(feed)

    asyncio.run(run())


@asynccontextmanager
async def feed_of(url: str) -> AsyncIterator[EventFeed]:
    """Make a feed, as one process has it."""
    async with AsyncJobStore(connect_async(url)) as store, EventFeed(store) as feed:
        yield feed


async def watch(
    feed: EventFeed, job_id: str, after: str | None = None, most: int | None = None, seen: list[Event] | None = None
) -> list[Event]:
    """Collect a job's events until the last, or so many of them, in `seen`."""
    seen = [] if seen is None else seen
    async with feed.subscribe(job_id, after) as events:
        async for event in events:
            seen.append(event)
            if len(seen) == most:
                break
    return seen


def work(store: FullStore, claim: Claim, steps: range) -> None:
    """Report these steps."""
    for step in steps:
        store.report(claim.job_id, claim.fence, progress(step))


def succeed(store: FullStore, claim: Claim) -> list[Event]:
    """End the job, and return all that happened to it."""
    store.finish(claim.job_id, claim.fence, JobStatus.SUCCEEDED, {})
    return store.events(claim.job_id, limit=10_000).events


def clients(server: LiveRedis) -> list[dict[str, str]]:
    """The connections that there are, but for the one that asks."""
    with server.client() as client:
        me = client.client_id()
        return [one for one in client.client_list() if int(one["id"]) != me]


def listening(server: LiveRedis) -> bool:
    """Whether somebody listens to the channel."""
    with server.client() as client:
        return client.pubsub_numsub("bestguess:changes")[0][1] > 0
