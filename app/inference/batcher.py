"""Micro-batching queue in front of one network: what waits while one batch runs is the next one."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections import deque
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from app.errors import NotReady, Overloaded
from jobs.background import Failures

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

log = logging.getLogger(__name__)

MEMORY = 16  # items: `pace` is mostly an average of the last so many

Item = TypeVar("Item")
Answer = TypeVar("Answer")


class QueueFull(Overloaded):
    """As many items wait as may; `retry_after` is the seconds after which there is likely room."""

    def __init__(self, retry_after: int = 1) -> None:
        super().__init__("As many images wait as can be answered in time. Try again later.", retry_after=retry_after)


class Closed(NotReady):
    """The batcher has ended and takes no more."""

    def __init__(self) -> None:
        super().__init__("The service is stopping. Try again in a moment.", retry_after=5)


@dataclass(frozen=True, slots=True)
class Done(Generic[Answer]):
    """An item's answer, and the seconds that it waited and that its batch ran."""

    answer: Answer
    queued: float
    ran: float


@dataclass(slots=True)
class _Waiting(Generic[Item, Answer]):
    item: Item
    future: asyncio.Future[Done[Answer]]
    since: float = field(default_factory=time.perf_counter)


def _settle(batch: list[_Waiting[Any, Answer]], results: list[Done[Answer] | BaseException]) -> None:
    for waiting, result in zip(batch, results, strict=True):
        if waiting.future.done():  # cancelled meanwhile
            continue
        if isinstance(result, BaseException):
            waiting.future.set_exception(result)
        else:
            waiting.future.set_result(result)


class Batcher(Generic[Item, Answer]):
    """One thread that calls `run`, which answers a batch of at most `largest` items in their order, for one event loop.

    An answer that is an exception is the error of that item alone. A `MemoryError` that `run` raises halves the ceiling
    and runs the batch again in parts; any other is the error of each item of that batch, and of no other.

    An idle batcher runs the first item at once. Under load, clients that were answered send their next item a moment
    later, and would find the next batch gone with the few items that came meanwhile: for `linger` seconds after a batch
    the next one waits until it is as large. `pace` is the seconds that an item takes, None before the first. `observe`
    is called in the thread, with the size of each batch that was answered; what it raises is logged. `broken` is the
    error that ended the thread, if one did: nothing is answered any more.
    """

    def __init__(  # noqa: PLR0913 - its bounds, and its observer
        self,
        run: Callable[[Sequence[Item]], Sequence[Answer | Exception]],
        *,
        largest: int,
        capacity: int,
        name: str,
        linger: float = 0.0,
        observe: Callable[[int], None] | None = None,
    ) -> None:
        self.run = run
        self.observe = observe
        self._observing = Failures(f"the count of batches of {name}")
        self.broken: BaseException | None = None
        self._largest = largest
        self.capacity = capacity
        self._linger = linger
        self._ended, self._last = 0.0, 0  # when the last batch ended, and how many it had
        self.pace: float | None = None
        self._waiting: deque[_Waiting[Item, Answer]] = deque()
        self._changed = threading.Condition()
        self._closed = False
        self._loop: asyncio.AbstractEventLoop | None = None  # whose coroutines wait
        self._thread = threading.Thread(target=self._work, name=f"batcher-{name}", daemon=True)
        self._thread.start()

    @property
    def depth(self) -> int:
        """How many items wait."""
        return len(self._waiting)

    async def submit(self, item: Item) -> Done[Answer]:
        """Wait for an item's answer; an item whose waiter is cancelled leaves before it is batched.

        Raises:
            QueueFull: `capacity` items wait already.
            Closed: `close` was called, or the thread has ended.
        """
        loop = asyncio.get_running_loop()
        waiting: _Waiting[Item, Answer] = _Waiting(item, loop.create_future())
        with self._changed:
            if self._closed:
                raise Closed
            self._loop = loop
            if len(self._waiting) >= self.capacity:
                self._waiting = deque(other for other in self._waiting if not other.future.done())
            if len(self._waiting) >= self.capacity:
                raise QueueFull
            self._waiting.append(waiting)
            self._changed.notify()
        return await waiting.future

    def close(self, seconds: float = 5) -> None:
        """Fail what waits with `Closed`, let the batch that runs end, and wait at most `seconds` for it."""
        self._refuse()
        self._thread.join(seconds)

    def _refuse(self) -> None:
        with self._changed:
            self._closed = True
            dropped = list(self._waiting)
            self._waiting.clear()
            self._changed.notify()
        self._hand_over(dropped, [Closed() for _ in dropped])

    def _hand_over(self, batch: list[_Waiting[Item, Answer]], results: list[Done[Answer] | BaseException]) -> None:
        """Have those who wait get their answers or errors, in one step of their event loop."""
        if self._loop and batch:
            with suppress(RuntimeError):  # the loop has ended, so nobody waits
                self._loop.call_soon_threadsafe(_settle, batch, results)

    def _work(self) -> None:
        batch: list[_Waiting[Item, Answer]] = []
        try:
            while batch := self._next():
                self._answer(batch)
        except BaseException as error:  # whatever it is, it must not end the thread in silence
            self.broken = error
            log.critical("the thread %s has ended", self._thread.name, exc_info=error)
            self._hand_over(batch, [Closed() for _ in batch])
            self._refuse()

    def _next(self) -> list[_Waiting[Item, Answer]]:
        """Wait for the next batch; an empty one means that there are no more."""
        with self._changed:
            while not self._closed:
                self._waiting = deque(waiting for waiting in self._waiting if not waiting.future.done())
                if not self._waiting:
                    self._changed.wait()
                    continue
                left = self._ended + self._linger - time.perf_counter()
                if left <= 0 or len(self._waiting) >= min(self._last, self._largest):
                    return [self._waiting.popleft() for _ in range(min(self._largest, len(self._waiting)))]
                self._changed.wait(left)
        return []

    def _answer(self, batch: list[_Waiting[Item, Answer]]) -> None:
        started = time.perf_counter()
        try:
            answers = self.run([waiting.item for waiting in batch])
            pairs = list(zip(batch, answers, strict=True))
        except MemoryError as error:
            self._halve(batch, error)
            return
        except Exception as error:  # noqa: BLE001 - whatever it is, it is the answer to those who wait
            self._hand_over(batch, [error] * len(batch))
            return
        self._ended, self._last = time.perf_counter(), len(batch)
        ran = self._ended - started
        seconds, weight = ran / len(batch), len(batch) / (len(batch) + MEMORY)
        self.pace = seconds if self.pace is None else (1 - weight) * self.pace + weight * seconds
        if self.observe:
            try:
                self.observe(len(batch))
            except Exception as error:  # noqa: BLE001 - the answers are there, and count more
                self._observing.failed(error)
        self._hand_over(
            batch,
            [
                answer if isinstance(answer, Exception) else Done(answer, started - waiting.since, ran)
                for waiting, answer in pairs
            ],
        )

    def _halve(self, batch: list[_Waiting[Item, Answer]], error: MemoryError) -> None:
        if len(batch) == 1:
            self._hand_over(batch, [error])
            return
        half = (len(batch) + 1) // 2
        self._largest = min(self._largest, half)
        log.warning("a batch of %d did not fit into memory; from now on at most %d", len(batch), self._largest)
        self._answer(batch[:half])
        self._answer(batch[half:])
