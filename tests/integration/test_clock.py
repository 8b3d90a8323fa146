"""Redis's clock, by which leases are, jumps an hour: no job is lost, none is done twice, and none ends twice."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from app.access.rate_limit import RedisWindows
from app.settings import Rate
from bestguess.schemas.jobs import JobStatus
from jobs.errors import LeaseLost
from support.job_store import LEASE, entry, progress, queued, running, types
from support.redis_clock import ClockedRedis, clocked_redis
from support.stores import FullStore
from support.worker_processes import MEDIUM, SHORT, Workplace, assert_whole

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

HOUR = 3600


@pytest.fixture
def redis() -> Iterator[ClockedRedis]:
    """A Redis with a clock to set."""
    with clocked_redis() as server:
        yield server


@pytest.fixture
def clocked(redis: ClockedRedis) -> Iterator[FullStore]:
    """A store by that clock."""
    with FullStore(redis.url) as store:
        yield store


def test_forward(redis: ClockedRedis, clocked: FullStore) -> None:
    """A lease that a jump forward ends is a worker that is lost: another takes over, and the first is refused."""
    first = running(clocked)
    clocked.report(first.job_id, first.fence, progress(3), entry(3))
    redis.jump(HOUR)
    assert [job.id for job in clocked.due(LEASE).lost] == [first.job_id]
    assert clocked.take_back(first.job_id).status == "queued"
    second = clocked.claim(first.job_id, "second", LEASE)
    assert second is not None
    with pytest.raises(LeaseLost):
        clocked.finish(first.job_id, first.fence, JobStatus.SUCCEEDED, {"test_accuracy": 0.1})
    done = clocked.finish(second.job_id, second.fence, JobStatus.SUCCEEDED, {"test_accuracy": 0.9})
    assert (done.result, done.history) == ({"test_accuracy": 0.9}, [entry(3)])
    assert types(clocked, first.job_id) == ["created", "started", "progress", "retried", "started", "succeeded"]


def test_forward_and_renewed(redis: ClockedRedis, clocked: FullStore) -> None:
    """A worker that renews before anybody has looked keeps its job."""
    claim = running(clocked)
    redis.jump(HOUR)
    assert clocked.renew(claim.job_id, claim.fence, LEASE) == "running"
    assert clocked.due(LEASE).lost == []
    assert clocked.finish(claim.job_id, claim.fence, JobStatus.SUCCEEDED, {}).attempt == 1


def test_back(redis: ClockedRedis, clocked: FullStore) -> None:
    """A jump back loses no event and counts no time that was not; what was queued before it is looked after at once."""
    waiting, claim = queued(clocked), running(clocked)
    redis.jump(-HOUR)
    assert [job.id for job in clocked.due(LEASE).unpublished] == [waiting.id]
    later = queued(clocked)
    assert [job.id for job in clocked.due(LEASE).unpublished] == [waiting.id]
    clocked.report(claim.job_id, claim.fence, progress(1), entry(1))
    clocked.finish(claim.job_id, claim.fence, JobStatus.SUCCEEDED, {})
    taken = clocked.claim(waiting.id, "worker", LEASE)
    assert taken is not None
    assert taken.waited_seconds == 0
    events = clocked.events(claim.job_id).events
    assert [event.type for event in events] == ["created", "started", "progress", "succeeded"]
    assert clocked.events(claim.job_id, events[1].id).events == events[2:]
    assert {job.id for job in clocked.list().jobs} == {waiting.id, claim.job_id, later.id}
    totals = clocked._client.hgetall("bestguess:totals")
    assert min(map(int, totals.values())) >= 0  # type: ignore[union-attr]


async def call_twice(redis: ClockedRedis) -> list[bool]:
    """Call twice, where one call an hour may be; and twice again after its clock is set back by three."""
    windows = RedisWindows(redis.url)
    allowed = [(await windows.hit("someone", Rate(1, 3600))).allowed for _ in range(2)]
    await asyncio.to_thread(redis.jump, -3 * 3600)
    allowed += [(await windows.hit("someone", Rate(1, 3600))).allowed for _ in range(2)]
    await windows.aclose()
    return allowed


def test_rates_go_on(redis: ClockedRedis) -> None:
    """Whose calls were used up when the clock was set back waits no longer than a window for the next."""
    assert asyncio.run(call_twice(redis)) == [True, False, True, False]


def test_a_training_goes_on(redis: ClockedRedis, tmp_path: Path, mnist: Path) -> None:
    """A real worker's training, and one that waits behind it, end once each, whichever way the clock jumps."""
    place = Workplace(redis, tmp_path, mnist)
    try:
        place.start()
        jobs = {place.submit(**MEDIUM): MEDIUM["steps"], place.submit(**SHORT): SHORT["steps"]}
        first = next(iter(jobs))
        place.steps(first, 40)
        redis.jump(HOUR)
        place.steps(first, 150)
        redis.jump(-HOUR)
        for job_id, steps in jobs.items():
            assert_whole(place.wait(job_id, JobStatus.SUCCEEDED, JobStatus.FAILED), steps)
            assert types(place.store, job_id).count("succeeded") == 1
    finally:
        place.end()
