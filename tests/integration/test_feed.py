import asyncio

import pytest

from bestguess.schemas.jobs import Event
from jobs.errors import InvalidCursor, JobNotFound, StoreUnavailable
from jobs.feed import EventFeed
from support.event_viewers import clients, listening, succeed, watch, with_feed, work
from support.job_store import LEASE, queued, running
from support.redis_server import LiveRedis
from support.stores import FullStore
from support.waiting import wait_until

PROMPT = 6.0  # seconds: a feed that hears nothing looks every two, and the machine may be busy


def test_from_first_to_last(store: FullStore, server: LiveRedis) -> None:
    """A viewer sees what happened before it came and what happens then, and is done after the terminal event."""

    async def scenario(feed: EventFeed) -> None:
        claim = running(store)
        viewer = asyncio.create_task(watch(feed, claim.job_id))
        await asyncio.to_thread(work, store, claim, range(5))
        assert await asyncio.to_thread(succeed, store, claim) == await viewer

    with_feed(server, scenario)


def test_nothing_lost_or_repeated(store: FullStore, server: LiveRedis) -> None:
    """Viewers who leave and come back with the last id they saw miss nothing and see nothing twice."""

    async def comes_and_goes(feed: EventFeed, job_id: str, most: int) -> list[Event]:
        seen = await watch(feed, job_id, None, most)
        while seen[-1].type != "succeeded":
            seen += await watch(feed, job_id, seen[-1].id, most)
        return seen

    async def scenario(feed: EventFeed) -> None:
        claim = running(store)
        viewers = [asyncio.create_task(comes_and_goes(feed, claim.job_id, most)) for most in (1, 2, 7, 150, 1000)]
        await asyncio.to_thread(work, store, claim, range(500))
        everything = await asyncio.to_thread(succeed, store, claim)
        assert len(everything) == 503
        for seen in await asyncio.gather(*viewers):
            assert seen == everything

    with_feed(server, scenario)


def test_finished_job(store: FullStore, server: LiveRedis) -> None:
    """A viewer who has seen the terminal event, or comes after it, does not wait."""

    async def scenario(feed: EventFeed) -> None:
        everything = succeed(store, running(store))
        assert await watch(feed, store.list().jobs[0].id) == everything
        assert await watch(feed, store.list().jobs[0].id, everything[-1].id) == []

    with_feed(server, scenario)


def test_wrong_questions(store: FullStore, server: LiveRedis) -> None:
    """A viewer of no job, or from no event, is told before the first event; one whose job is removed is done."""

    async def scenario(feed: EventFeed) -> None:
        job = queued(store)
        with pytest.raises(JobNotFound):
            await watch(feed, "job_x")
        with pytest.raises(InvalidCursor):
            await watch(feed, job.id, "yesterday")
        async with feed.subscribe(job.id) as events:
            assert (await anext(events)).type == "created"
            store.cancel(job.id)
            store.delete(job.id)
            assert [event async for event in events] == []

    with_feed(server, scenario)


def test_two_hundred_viewers(store: FullStore, server: LiveRedis) -> None:
    """Two hundred viewers cost one listening connection and one to read with, and share what they read."""

    def calls() -> int:
        with server.client() as client:
            return sum(int(stats["calls"]) for name, stats in client.info("commandstats").items() if "evalsha" in name)

    async def scenario(feed: EventFeed) -> None:
        claims = [running(store) for _ in range(4)]
        viewers = [asyncio.create_task(watch(feed, claims[number % 4].job_id)) for number in range(200)]
        await asyncio.to_thread(wait_until, lambda: len(clients(server)) == before + 2, 60)
        for step in range(10):
            for claim in claims:
                await asyncio.to_thread(work, store, claim, range(step, step + 1))
        assert len(clients(server)) == before + 2
        written = {claim.job_id: await asyncio.to_thread(succeed, store, claim) for claim in claims}
        for number, seen in enumerate(await asyncio.gather(*viewers)):
            assert seen == written[claims[number % 4].job_id]

    assert (store.expired(0), store.list().jobs) == ([], [])  # both sides have their connections
    before, calls_before = len(clients(server)), calls()
    with_feed(server, scenario)
    assert calls() - calls_before < 500  # about 60 by the writer and one or two an event; alone, viewers make 2,600


def test_redis_restarts(store: FullStore, server: LiveRedis) -> None:
    """Viewers outlive a Redis that is killed and started again, and see all that happens after it."""

    async def scenario(feed: EventFeed) -> None:
        claim = running(store)
        viewers = [asyncio.create_task(watch(feed, claim.job_id)) for _ in range(5)]
        await asyncio.to_thread(work, store, claim, range(5))
        await asyncio.to_thread(wait_until, lambda: listening(server), 60)
        server.kill()
        with pytest.raises(StoreUnavailable):
            await watch(feed, claim.job_id)
        await asyncio.to_thread(server.start)
        await asyncio.to_thread(work, store, claim, range(5, 10))
        everything = await asyncio.to_thread(succeed, store, claim)
        assert len(everything) == 13
        for seen in await asyncio.gather(*viewers):
            assert seen == everything

    with_feed(server, scenario)


def test_cut_connections(store: FullStore, server: LiveRedis) -> None:
    """Nothing is lost or late when the listening connection is cut, and cut again."""

    async def scenario(feed: EventFeed) -> None:
        claim = running(store)
        seen: list[Event] = []
        viewer = asyncio.create_task(watch(feed, claim.job_id, seen=seen))
        for step in range(10):
            await asyncio.to_thread(wait_until, lambda: listening(server), PROMPT)
            with server.client() as client:
                client.client_kill_filter(_type="pubsub")
            await asyncio.to_thread(work, store, claim, range(step, step + 1))
            await asyncio.to_thread(wait_until, lambda count=step + 3: len(seen) == count, PROMPT)
        assert await asyncio.to_thread(succeed, store, claim) == await viewer

    with_feed(server, scenario)


def test_a_feed_that_may_not_listen(store: FullStore, server: LiveRedis) -> None:
    """While the channel is refused viewers see events within seconds, and once it is not the feed listens."""

    async def scenario(feed: EventFeed) -> None:
        claim = running(store)
        seen: list[Event] = []
        viewer = asyncio.create_task(watch(feed, claim.job_id, seen=seen))
        for step in range(2):
            await asyncio.to_thread(work, store, claim, range(step, step + 1))
            await asyncio.to_thread(wait_until, lambda count=step + 3: len(seen) == count, PROMPT)
        assert not listening(server)
        with server.client() as client:
            client.execute_command("ACL", "SETUSER", "viewer", "allchannels")
        await asyncio.to_thread(wait_until, lambda: listening(server), PROMPT)
        assert await asyncio.to_thread(succeed, store, claim) == await viewer

    with server.client() as client:
        client.execute_command("ACL", "SETUSER", "viewer", "on", ">secret", "~*", "+@all", "resetchannels")
    try:
        with_feed(server, scenario, server.url.replace("unix://", "unix://viewer:secret@"))
    finally:
        with server.client() as client:
            client.execute_command("ACL", "DELUSER", "viewer")


def test_close(store: FullStore, server: LiveRedis) -> None:
    """Closing the feed ends every viewer at once, also while Redis hangs, and whoever comes later is done at once."""

    async def scenario(feed: EventFeed) -> None:
        claim = running(store)
        viewers = [asyncio.create_task(watch(feed, claim.job_id)) for _ in range(20)]
        await asyncio.to_thread(wait_until, lambda: listening(server), 60)
        late = asyncio.create_task(watch(feed, claim.job_id, "0-1"))
        with server.hung():
            feed.close()
            later = asyncio.create_task(watch(feed, claim.job_id))
            for _ in range(50):  # turns of the event loop, in which nothing is waited for, however slow the machine
                await asyncio.sleep(0)
            assert [task.done() for task in (late, later, *viewers)] == [True] * 22
            assert await later == []

    with_feed(server, scenario)


def test_hung_redis(store: FullStore, server: LiveRedis) -> None:
    """While Redis hangs, who comes is told so, and who is there waits and goes on when it is back."""

    async def scenario(feed: EventFeed) -> None:
        claim = running(store)
        async with feed.subscribe(claim.job_id) as events:
            assert [(await anext(events)).type, (await anext(events)).type] == ["created", "started"]
            with server.hung(), pytest.raises(StoreUnavailable):
                await watch(feed, claim.job_id)
            everything = await asyncio.to_thread(succeed, store, claim)
            assert [event async for event in events] == everything[2:]

    with_feed(server, scenario)


def test_slow_viewer(store: FullStore, server: LiveRedis) -> None:
    """A viewer who stands still keeps nobody waiting, holds a page of events at most, and misses none."""

    async def scenario(feed: EventFeed) -> None:
        claim = running(store, LEASE)
        async with feed.subscribe(claim.job_id) as slow:
            seen = [await anext(slow)]
            fast = asyncio.create_task(watch(feed, claim.job_id))
            await asyncio.to_thread(work, store, claim, range(1000))
            everything = await asyncio.to_thread(succeed, store, claim)
            assert await fast == everything
            seen += [event async for event in slow]
        assert seen == everything

    with_feed(server, scenario)
