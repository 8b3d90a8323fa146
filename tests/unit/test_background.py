import asyncio
import logging
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from itertools import count

import pytest

from app.draining import Draining
from jobs.background import PeriodicThread, supervise
from jobs.errors import StoreUnavailable
from support.waiting import wait_until
from worker.children import StuckWatch
from worker.heartbeat import Heartbeat
from worker.housekeeper import Housekeeper
from worker.reconciler import Reconciler


class Calls:
    """Counts its calls, and raises what it is told to at each of them."""

    def __init__(self, *errors: BaseException | None) -> None:
        self.errors = [*errors]
        self.made = 0

    def __call__(self) -> None:
        """Raise the next error; None is none, and there are no more after the last."""
        self.made += 1
        if self.errors and (error := self.errors.pop(0)):
            raise error


class OddStore:
    """A store whose every call raises what nobody foresaw."""

    def __init__(self) -> None:
        self.calls = 0

    def __getattr__(self, name: str) -> Callable[..., None]:
        def call(*_: object) -> None:
            self.calls += 1
            raise ValueError(f"{name}: a reply that nobody understands")

        return call


def test_a_periodic_thread_survives_any_exception(caplog: pytest.LogCaptureFixture) -> None:
    """Whatever a call raises, the next ones come; an error is logged once, and again after a success."""
    odd = ValueError("odd")
    calls = Calls(odd, odd, MemoryError(), None, StoreUnavailable("away"), odd)
    thread = PeriodicThread("test", 0.01, calls)
    with caplog.at_level(logging.INFO):
        thread.start()
        wait_until(lambda: calls.made > 6, 10)
        thread.stop(None)
    records = [(record.levelname, record.exc_info is not None) for record in caplog.records]
    assert records == [
        *[("ERROR", True), ("ERROR", True), ("INFO", False)],
        *[("WARNING", False), ("ERROR", True), ("INFO", False)],
    ]
    assert "works again after 3 failures" in caplog.text


def test_a_periodic_thread_waits_as_long_as_its_call_says() -> None:
    """The first call comes after the period or at once, a call can put off the next, and a stop waits for neither."""
    called = threading.Event()

    def put_off() -> float:
        assert not called.is_set()
        called.set()
        return 3600

    thread, late = PeriodicThread("test", 0.001, put_off, immediately=True), PeriodicThread("late", 3600, called.clear)
    late.start()
    thread.start()
    assert called.wait(10)
    thread.stop(None)
    late.stop(None)
    assert called.is_set()


def test_a_periodic_thread_that_was_never_started() -> None:
    """One that was not started can be stopped."""
    PeriodicThread("test", 1, Calls()).stop()


def test_the_threads_of_a_worker_survive_what_nobody_foresaw() -> None:
    """Heartbeat, reconciler, stuck-watch and housekeeper go on after an error that is not of Redis."""
    stores = [OddStore() for _ in range(4)]
    watches = [
        Heartbeat(stores[0], every=0.01),  # type: ignore[arg-type]
        Reconciler(stores[1], None),  # type: ignore[arg-type]
        StuckWatch(stores[2]),  # type: ignore[arg-type]
        Housekeeper(stores[3], None, 60, 1),  # type: ignore[arg-type]
    ]
    for watch in watches:
        watch._first_wait = watch._every = 0.01
        watch.start()
    wait_until(lambda: all(store.calls > 1 for store in stores), 30)
    for watch in watches:
        PeriodicThread.stop(watch)


def test_a_worker_without_its_threads_ends() -> None:
    """Where the threads of a worker's main process cannot be started, it ends, instead of taking jobs without them."""
    script = "import worker.main as main; main.app.bestguess = object(); main.keep_watch()"
    environment = os.environ | {"BESTGUESS_REDIS_URL": "redis://127.0.0.1:9"}
    ended = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=False)
    assert ended.returncode == 1
    assert "cannot start its threads" in ended.stderr


def test_a_supervised_task_runs_again() -> None:
    """A task that raises is run again, and is over when it returns."""
    calls = Calls(ValueError("odd"), StoreUnavailable("away"), asyncio.CancelledError())

    async def work() -> None:
        calls()

    async def run() -> None:
        async with asyncio.timeout(30):
            await supervise("test", work, 0.01)

    asyncio.run(run())
    assert calls.made == 4


def test_a_supervised_task_can_be_cancelled() -> None:
    """Its end is not put off, also where a library turns the cancellation into an error of its own."""
    began = count()

    async def work() -> None:
        next(began)
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            raise ConnectionError from None

    async def run() -> None:
        task = asyncio.create_task(supervise("test", work))
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait({task}, timeout=10)
        assert task.cancelled()

    asyncio.run(run())
    assert next(began) == 1


def test_draining_tells_everybody() -> None:
    """One that fails at the end does not keep the others from being told."""
    draining, calls = Draining(), Calls(ValueError("odd"))
    draining.on_begin(calls)
    draining.on_begin(calls)
    draining.begin()
    assert calls.made == 2
