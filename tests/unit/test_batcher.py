import asyncio
import threading
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

import pytest

from app.inference.batcher import Batcher, Closed, Done, QueueFull
from support.waiting import wait_until


class Held:
    """Doubles numbers, one batch at a time, once it is let go; remembers its batches."""

    def __init__(self) -> None:
        self.go = threading.Event()
        self.began = threading.Semaphore(0)
        self.batches: list[list[int]] = []
        self.fits = 100

    def __call__(self, items: Sequence[int]) -> list[int | Exception]:
        """Double, or fail: on 13, and on more than fit; -1 has an error of its own."""
        self.batches.append(list(items))
        self.began.release()
        assert self.go.wait(10)
        if len(items) > self.fits:
            raise MemoryError(f"{len(items)} do not fit")
        if 13 in items:
            raise ValueError("13")
        return [2 * item if item >= 0 else ArithmeticError(item) for item in items]


def run(
    test: Callable[[Held, Batcher[int, int]], Coroutine[Any, Any, None]], capacity: int = 100, linger: float = 0.0
) -> Held:
    """Run a test with a batcher of at most four."""
    held = Held()
    batcher: Batcher[int, int] = Batcher(held, largest=4, capacity=capacity, name="test", linger=linger)
    try:
        asyncio.run(test(held, batcher))
    finally:
        held.go.set()
        batcher.close()
    return held


async def submitted(batcher: Batcher[int, int], *items: int) -> list[asyncio.Task[Done[int]]]:
    """Submit items, and return once all of them wait."""
    tasks = [asyncio.create_task(batcher.submit(item)) for item in items]
    await asyncio.sleep(0)
    return tasks


async def begun(held: Held) -> None:
    """Wait until a batch runs."""
    assert await asyncio.to_thread(held.began.acquire, timeout=10)


def test_an_idle_batcher_does_not_wait() -> None:
    """An item that comes alone runs alone, at once."""

    async def test(held: Held, batcher: Batcher[int, int]) -> None:
        held.go.set()
        done = await batcher.submit(21)
        assert done.answer == 42
        assert done.queued >= 0
        assert done.ran >= 0

    assert run(test).batches == [[21]]


def test_what_waits_is_the_next_batch() -> None:
    """Items that come while a batch runs form the next ones, in their order, at most four each."""

    async def test(held: Held, batcher: Batcher[int, int]) -> None:
        first = await submitted(batcher, 0)
        await begun(held)
        rest = await submitted(batcher, 1, 2, 3, 4, 5)
        held.go.set()
        answers = await asyncio.gather(*first, *rest)
        assert [done.answer for done in answers] == [0, 2, 4, 6, 8, 10]

    assert run(test).batches == [[0], [1, 2, 3, 4], [5]]


def test_a_failed_batch_fails_each_of_its_items_and_no_other() -> None:
    """Everybody in a failed batch hears of its error, and the next batch runs."""

    async def test(held: Held, batcher: Batcher[int, int]) -> None:
        first = await submitted(batcher, 0)
        await begun(held)
        doomed = await submitted(batcher, 1, 13, 2, 3)
        after = await submitted(batcher, 4)
        held.go.set()
        results = await asyncio.gather(*first, *doomed, *after, return_exceptions=True)
        assert [type(result) for result in results] == [Done, *[ValueError] * 4, Done]

    run(test)


def test_an_item_can_fail_alone() -> None:
    """An answer that is an error is that item's, and its neighbours get theirs."""

    async def test(held: Held, batcher: Batcher[int, int]) -> None:
        first = await submitted(batcher, 0)
        await begun(held)
        rest = await submitted(batcher, 1, -1, 2)
        held.go.set()
        results = await asyncio.gather(*first, *rest, return_exceptions=True)
        assert [type(result) for result in results] == [Done, Done, ArithmeticError, Done]

    run(test)


def test_under_load_a_batch_waits_for_those_who_come_back() -> None:
    """Where fewer wait than the last batch had, the next one is put off until as many do."""

    async def test(held: Held, batcher: Batcher[int, int]) -> None:
        first = await submitted(batcher, 0)
        await begun(held)
        rest = await submitted(batcher, 1, 2, 3)
        held.go.set()
        await asyncio.gather(*first, *rest)
        back = await submitted(batcher, 4)
        back += await submitted(batcher, 5)
        back += await submitted(batcher, 6)
        await asyncio.gather(*back)

    assert run(test, linger=60).batches == [[0], [1, 2, 3], [4, 5, 6]]


def test_nobody_waits_longer_than_the_linger() -> None:
    """When the others do not come back, the batch runs without them; later, nothing is waited for at all."""

    async def test(held: Held, batcher: Batcher[int, int]) -> None:
        first = await submitted(batcher, 0)
        await begun(held)
        rest = await submitted(batcher, 1, 2, 3)
        held.go.set()
        await asyncio.gather(*first, *rest)
        assert (await batcher.submit(4)).queued <= 5
        assert (await batcher.submit(5)).answer == 10

    assert run(test, linger=0.05).batches == [[0], [1, 2, 3], [4], [5]]


def test_the_pace_is_that_of_the_latest_batches() -> None:
    """It is unknown at first, and then the seconds that an item takes."""

    async def test(held: Held, batcher: Batcher[int, int]) -> None:
        assert batcher.pace is None
        held.go.set()
        done = await batcher.submit(1)
        assert batcher.pace == pytest.approx(done.ran)
        await batcher.submit(2)
        assert batcher.pace is not None
        assert 0 < batcher.pace < 5

    run(test)


def test_what_is_cancelled_is_not_batched() -> None:
    """An item whose asker has gone leaves before it is batched."""

    async def test(held: Held, batcher: Batcher[int, int]) -> None:
        first = await submitted(batcher, 0)
        await begun(held)
        rest = await submitted(batcher, 1, 2, 3)
        rest[1].cancel()
        await asyncio.sleep(0)
        held.go.set()
        await asyncio.gather(*first, rest[0], rest[2])

    assert run(test).batches == [[0], [1, 3]]


def test_a_full_queue_refuses() -> None:
    """When as many wait as may, the next is refused at once; what was cancelled makes room."""

    async def test(held: Held, batcher: Batcher[int, int]) -> None:
        first = await submitted(batcher, 0)
        await begun(held)
        rest = await submitted(batcher, 1, 2)
        with pytest.raises(QueueFull):
            await batcher.submit(3)
        rest[0].cancel()
        await asyncio.sleep(0)
        rest += await submitted(batcher, 4)
        held.go.set()
        await asyncio.gather(*first, *rest[1:])

    assert run(test, capacity=2).batches == [[0], [2, 4]]


def test_out_of_memory_halves_the_ceiling() -> None:
    """A batch that does not fit is run in parts, and later ones are no larger than what fitted."""

    async def test(held: Held, batcher: Batcher[int, int]) -> None:
        held.fits = 2
        first = await submitted(batcher, 0)
        await begun(held)
        rest = await submitted(batcher, 1, 2, 3, 4, 5, 6, 7, 8)
        held.go.set()
        answers = await asyncio.gather(*first, *rest)
        assert [done.answer for done in answers] == [0, 2, 4, 6, 8, 10, 12, 14, 16]

    assert run(test).batches == [[0], [1, 2, 3, 4], [1, 2], [3, 4], [5, 6], [7, 8]]


def test_one_that_never_fits_fails_alone() -> None:
    """An item that does not fit even alone gets the error, and the batcher lives on."""

    async def test(held: Held, batcher: Batcher[int, int]) -> None:
        held.fits = 0
        held.go.set()
        with pytest.raises(MemoryError):
            await batcher.submit(1)
        held.fits = 1
        assert (await batcher.submit(1)).answer == 2

    run(test)


def test_closing_fails_what_waits() -> None:
    """When it is closed, what runs is answered, what waits hears of it, and nothing more is taken."""

    async def test(held: Held, batcher: Batcher[int, int]) -> None:
        first = await submitted(batcher, 0)
        await begun(held)
        waiting = await submitted(batcher, 1)
        closing = asyncio.create_task(asyncio.to_thread(batcher.close))
        with pytest.raises(Closed):
            await waiting[0]
        held.go.set()
        await closing
        assert (await first[0]).answer == 0
        with pytest.raises(Closed):
            await batcher.submit(2)

    run(test)


def test_an_observer_that_fails_costs_no_answer() -> None:
    """Whatever the observer raises, the batch is answered, and so are the next ones."""
    sizes: list[int] = []

    def observe(size: int) -> None:
        sizes.append(size)
        raise ValueError(size)

    async def test() -> None:
        async with asyncio.timeout(10):
            assert [(await batcher.submit(item)).answer for item in (1, 2)] == [2, 4]

    held = Held()
    held.go.set()
    batcher: Batcher[int, int] = Batcher(held, largest=4, capacity=10, name="test", observe=observe)
    try:
        asyncio.run(test())
    finally:
        batcher.close()
    assert sizes == [1, 1]
    assert batcher.broken is None


def test_a_thread_that_ends_is_told() -> None:
    """An error that ends the thread fails what is in hand and what waits, and nothing more is taken."""

    def fatal(items: Sequence[int]) -> Sequence[int]:
        assert go.wait(10)
        raise SystemExit(f"{len(items)} were too many")

    async def test() -> None:
        first = await submitted(batcher, 0)
        await asyncio.to_thread(wait_until, lambda: batcher.depth == 0, 10)
        rest = await submitted(batcher, 1, 2)
        go.set()
        async with asyncio.timeout(10):
            results = await asyncio.gather(*first, *rest, return_exceptions=True)
        assert [type(result) for result in results] == [Closed] * 3
        assert isinstance(batcher.broken, SystemExit)
        with pytest.raises(Closed):
            await batcher.submit(3)

    go = threading.Event()
    batcher: Batcher[int, int] = Batcher(fatal, largest=4, capacity=10, name="test")
    asyncio.run(test())
    batcher.close()
