from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from bestguess.schemas.jobs import JobStatus
from jobs.async_store import AsyncJobStore
from jobs.connection import connect, connect_async
from jobs.errors import JobNotFound, LeaseLost, StoreUnavailable
from jobs.ids import new_job_id
from jobs.store import JobStore
from support.job_store import BRIEF, LEASE, PROMISE, distant, entry, progress, queued, running, timed, types
from support.waiting import wait_until
from support.worker_processes import BUSY

if TYPE_CHECKING:
    from collections.abc import Callable

    from support.redis_server import LiveRedis
    from support.stores import FullStore, TwiceStore


def test_a_job_lives_twice(twice: TwiceStore) -> None:
    """Where every reply is lost once, a job has the same life: each event, attempt and entry is there once."""
    job = twice.create("k", {}, job_id=new_job_id(), idempotency=("key", "body"), most_queued=1)
    twice.mark_published(job.id)
    first = twice.claim(job.id, "first", LEASE)
    assert first is not None
    twice.report(job.id, first.fence, progress(1), entry(1))
    twice.renew(job.id, first.fence, LEASE)
    assert twice.release(job.id, first.fence) == "queued"
    second = twice.claim(job.id, "second", LEASE)
    assert second is not None
    assert twice.finish(job.id, second.fence, JobStatus.SUCCEEDED, {"test_accuracy": 0.9}).history == [entry(1)]
    assert types(twice, job.id) == ["created", "started", "progress", "retried", "started", "succeeded"]
    assert twice.get(job.id).attempt == 2
    twice.delete(job.id)
    with pytest.raises(JobNotFound):
        twice.get(job.id)


def test_cancel_and_take_back_twice(twice: TwiceStore) -> None:
    """Where every reply is lost once, a cancel is one cancel, and a lost worker counts once."""
    waits, runs = queued(twice), running(twice)
    assert [twice.cancel(waits.id).status, twice.cancel(runs.job_id).status] == ["cancelled", "cancelling"]
    assert twice.finish(runs.job_id, runs.fence, JobStatus.CANCELLED).status == "cancelled"
    lost = running(twice, BRIEF)
    wait_until(lambda: JobStore(twice._client).due(60).lost, 5)  # asked once: what is due changes with time
    assert twice.take_back(lost.job_id).status == "queued"
    assert types(twice, lost.job_id) == ["created", "started", "retried"]
    assert twice.lock("one", "me", LEASE)
    twice.unlock("one", "me")


def test_two_deliveries_race(store: FullStore, server: LiveRedis) -> None:
    """Of many who claim a job at the same time, one gets it."""
    stores = [JobStore(connect(server.url)) for _ in range(8)]
    with ThreadPoolExecutor(len(stores)) as threads:
        for _ in range(20):
            job = queued(store)
            claims = list(threads.map(lambda number: stores[number].claim(job.id, str(number), LEASE), range(8)))  # noqa: B023 - used before the next round
            assert sum(claim is not None for claim in claims) == 1
    for one in stores:
        one.close()


def test_lost_lease(store: FullStore) -> None:
    """Once another has the job, whatever its former owner sends is refused and changes nothing."""
    old = running(store, BRIEF)
    new = wait_until(lambda: store.claim(old.job_id, "second", LEASE), 5)
    assert (new.fence > old.fence, new.attempt) == (True, 2)
    before = store.get(old.job_id)
    calls: list[Callable[[], object]] = [
        lambda: store.renew(old.job_id, old.fence, LEASE),
        lambda: store.report(old.job_id, old.fence, progress(9), entry(9)),
        lambda: store.finish(old.job_id, old.fence, JobStatus.SUCCEEDED, {}),
        lambda: store.release(old.job_id, old.fence),
    ]
    for call in calls:
        with pytest.raises(LeaseLost):
            call()
    assert store.get(old.job_id) == before
    assert types(store, old.job_id) == ["created", "started", "retried", "started"]


def test_an_owner_of_a_failed_job_is_refused(store: FullStore) -> None:
    """A worker that comes back after its job was given up cannot end it another way."""
    job_id = queued(store).id
    for attempt in ("first", "second", "third"):
        claim = store.claim(job_id, attempt, BRIEF)
        assert claim is not None
        wait_until(lambda: store.due(60).lost, 5)
        store.take_back(job_id)
    assert store.get(job_id).status == "failed"
    with pytest.raises(LeaseLost):
        store.finish(job_id, claim.fence, JobStatus.SUCCEEDED, {})


def test_a_lease_that_ran_out_can_be_renewed(store: FullStore) -> None:
    """A worker that was late keeps its job, as long as nobody took it."""
    claim = running(store, BRIEF)
    wait_until(lambda: store.due(60).lost, 5)
    assert store.renew(claim.job_id, claim.fence, LEASE) == "running"
    assert store.due(60).lost == []


def test_forgotten_scripts(store: FullStore) -> None:
    """A Redis that has forgotten its scripts is taught them again, unnoticed."""
    job = queued(store)
    store._client.script_flush()
    assert store.get(job.id) == job


def test_cut_connections(store: FullStore, server: LiveRedis) -> None:
    """A connection that was cut is made anew, unnoticed."""
    job = queued(store)
    with server.client() as client:
        client.client_kill_filter(_type="normal", skipme=True)
    assert store.get(job.id) == job


def test_killed_redis(store: FullStore, server: LiveRedis) -> None:
    """While Redis is dead the store says so at once, and when it is back everything is as it was."""
    waits, claim = queued(store), running(store)
    store.report(claim.job_id, claim.fence, progress(1), entry(1))
    before = store.get(claim.job_id)
    server.kill()
    with timed() as seconds, pytest.raises(StoreUnavailable):
        store.get(waits.id)
    assert seconds() < PROMISE  # no time-out is waited for
    server.start()
    assert [store.get(waits.id), store.get(claim.job_id)] == [waits, before]
    assert store.renew(claim.job_id, claim.fence, LEASE) == "running"


def test_hung_redis(store: FullStore, server: LiveRedis) -> None:
    """While Redis is silent, a store says so in time, with a connection or without one, and it recovers by itself."""
    job = queued(store)
    with server.hung(), JobStore(connect(server.url)) as fresh:
        for one in (store, fresh):
            with timed() as seconds, pytest.raises(StoreUnavailable):
                one.get(job.id)
            assert seconds() < PROMISE + BUSY
    assert store.get(job.id) == job


def test_full_redis(store: FullStore, server: LiveRedis) -> None:
    """When Redis is full nothing is half written, jobs can still be read and removed, and space makes it work again."""
    old, job = store.cancel(distant(store).id), queued(store)
    with server.client() as client:
        client.config_set("maxmemory", 1)
        try:
            for call in (lambda: queued(store), lambda: store.claim(job.id, "w", LEASE), lambda: store.cancel(job.id)):
                with pytest.raises(StoreUnavailable):
                    call()
            assert store.get(job.id) == job
            assert store.list().jobs == [job, old]
            store.delete(old.id)
        finally:
            client.config_set("maxmemory", 0)
    assert store.list().jobs == [job]
    assert store.cancel(job.id).status == "cancelled"


def test_async_twin(store: FullStore, server: LiveRedis) -> None:
    """The asyncio store and the blocking one see the same jobs."""

    async def scenario() -> None:
        async with AsyncJobStore(connect_async(server.url)) as twin:
            job = await twin.create("k", {"a": 1}, job_id=new_job_id(), most_queued=10)
            assert await twin.get(job.id) == store.get(job.id)
            assert (await twin.list()).jobs == store.list().jobs == [job]
            assert await twin.cancel(job.id) == store.get(job.id)

    asyncio.run(scenario())


def test_async_twin_in_trouble(server: LiveRedis) -> None:
    """The asyncio store gives up in time on a hung Redis, at once on a dead one, and recovers by itself."""

    async def scenario() -> None:
        async with AsyncJobStore(connect_async(server.url)) as twin:
            job = await twin.create("k", {}, job_id=new_job_id(), most_queued=10)
            with server.hung(), timed() as seconds, pytest.raises(StoreUnavailable):
                await twin.get(job.id)
            assert seconds() < PROMISE + BUSY
            assert await twin.get(job.id) == job
            server.kill()
            with timed() as seconds, pytest.raises(StoreUnavailable):
                await twin.get(job.id)
            assert seconds() < PROMISE  # no time-out is waited for
            server.start()
            assert await twin.get(job.id) == job

    asyncio.run(scenario())
