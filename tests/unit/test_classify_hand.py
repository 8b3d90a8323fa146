"""What is in hand: who counts with whom, who is refused, and what becomes of it at the end."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from concurrent.futures import Future
from datetime import UTC, datetime
from typing import TYPE_CHECKING, cast

import pytest
from asked import BLUE, problem
from fakes import DummyRunner
from live import live
from waiting import wait_until

from app.inference.batcher import Closed, QueueFull
from app.inference.bodies import Bodies
from app.inference.classifier import Classifier, Question
from app.inference.engine import Engine
from app.settings import Settings
from jobs.trained import TrainedModel
from vision.weights import FoundWeights

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    from app.inference.classifier import Classified
    from app.inference.served import Served
    from app.inference.trained import TrainedNetworks
    from vision.images import Picture
    from vision.sandbox import Sandbox

WEIGHTS = FoundWeights(None, "random", None, verified=False, size=None)
FACTS = {"sha256": "0" * 64, "bytes": 1, "params": {}, "result": {}, "kind": "mnist-train"}
DIGITS = Question(model=TrainedModel(id="job_1", job_id="job_1", created_at=datetime.now(UTC), **FACTS))


class Stuck:
    """A sandbox that never comes to an end."""

    def __init__(self) -> None:
        self.given: list[Future[Picture]] = []

    def decode(self, *_: object) -> Future[Picture]:
        """Begin."""
        self.given.append(Future())
        return self.given[-1]


class Loaded:
    """A trained network that is always there; VGG16 stands in its place."""

    def __init__(self, served: Served) -> None:
        self._served = served

    @contextlib.asynccontextmanager
    async def use(self, _: TrainedModel) -> AsyncIterator[Served]:
        """Have it."""
        yield self._served


@pytest.fixture
def engine() -> Iterator[Engine]:
    """Load both pretrained networks."""
    with contextlib.closing(Engine(Settings())) as made:
        assert made.stand_in
        made.stand_in.serve(DummyRunner(), WEIGHTS)
        yield made


def classifier(engine: Engine, most: int, deadline: float = 10) -> Classifier:
    """Make one whose pictures never get decoded."""
    trained = cast("TrainedNetworks", Loaded(engine.primary))
    return Classifier(engine, trained, cast("Sandbox", Stuck()), most=most, deadline=deadline)


async def hold(asked: Classifier, question: Question) -> asyncio.Task[Classified]:
    """Have an image in hand."""
    held = asyncio.create_task(asked.classify(b"", question))
    await asyncio.sleep(0)
    return held


async def drop(*held: asyncio.Task[Classified]) -> None:
    """Let images go."""
    for task in held:
        task.cancel()
    await asyncio.gather(*held, return_exceptions=True)


def test_digits_and_photos_do_not_keep_each_other_out(engine: Engine) -> None:
    """As many photos and as many digits as may are in hand at once, and each kind's next is refused."""

    async def scene() -> None:
        asked = classifier(engine, most=2)
        held = []
        for question in (Question(), DIGITS):
            for _ in range(2):
                asked.admit(question)
                held.append(await hold(asked, question))
            with pytest.raises(QueueFull):
                asked.admit(question)
        await drop(*held)
        asked.admit(Question())
        asked.admit(DIGITS)

    asyncio.run(scene())


def test_those_who_wait_for_the_same_network_count(engine: Engine) -> None:
    """Who is answered by the stand-in waits behind who asked for it by name, and not behind another network's."""

    async def scene() -> None:
        asked = classifier(engine, most=10)
        assert engine.stand_in
        assert engine.stand_in.batcher
        engine.stand_in.batcher.pace = 5.0  # seconds an image: two are more than 0.8 of the deadline
        held = [await hold(asked, Question(model="efficientnet-lite0")), await hold(asked, Question())]
        for question in (Question(), Question(model="efficientnet-lite0")):
            with pytest.raises(QueueFull) as refused:
                asked.admit(question)
            assert refused.value.retry_after == 5
        engine.primary.serve(DummyRunner(), WEIGHTS)
        asked.admit(Question())
        await drop(*held)

    asyncio.run(scene())


def test_closing_at_a_deadline(engine: Engine) -> None:
    """What reaches its deadline in the moment in which the service closes is no error, and the others are ended."""

    async def scene() -> None:
        asked, loop = classifier(engine, most=10, deadline=60), asyncio.get_running_loop()
        held = [await hold(asked, Question()) for _ in range(2)]
        next(iter(asked._in_hand)).reschedule(loop.time())
        loop.call_soon(asked.close)  # once the clock has struck, and before its task has heard of it
        async with asyncio.timeout(10):
            ends = await asyncio.gather(*held, return_exceptions=True)
        assert [type(end) for end in ends] == [Closed, Closed]
        with pytest.raises(Closed):
            asked.admit(Question())

    asyncio.run(scene())


def test_bodies_are_bounded() -> None:
    """No more bodies than may are read at once; when one is read, the next may come."""

    async def scene() -> None:
        bodies = Bodies(2)
        async with bodies.reading():
            async with bodies.reading():
                with pytest.raises(QueueFull):
                    await bodies.reading().__aenter__()
            async with bodies.reading():
                pass

    asyncio.run(scene())


def test_a_slow_body_makes_way() -> None:
    """Of bodies that are read for long the first makes way for the next, whatever it is still waiting for."""

    async def scene() -> None:
        bodies, ends = Bodies(2, slow=0), []

        async def read() -> None:
            try:
                async with bodies.reading():
                    await asyncio.Event().wait()
            except QueueFull:
                ends.append(asyncio.current_task())

        slow = [asyncio.create_task(read()) for _ in range(2)]
        await asyncio.sleep(0)
        async with bodies.reading():
            await slow[0]
            assert ends == [slow[0]]
        slow[1].cancel()

    asyncio.run(scene())


def test_bodies_that_are_read_are_bounded(tmp_path: Path) -> None:
    """While as many bodies as may are on their way the next is refused unread, and has its turn once one is gone."""
    with live(Settings(data_dir=tmp_path, decode_processes=1, queue_size=1)) as busy:
        url = busy.client.base_url
        head = "POST /classify HTTP/1.1\r\nHost: localhost\r\nContent-Type: image/png\r\n"
        head += f"Content-Length: {len(BLUE)}\r\n\r\n"
        with socket.create_connection((url.host, url.port or 0), 10) as slow:
            slow.sendall(head.encode() + BLUE[:10])
            wait_until(lambda: len(busy.state["classifier"].bodies._clocks) == 1, 10)
            response = busy.client.post("/classify", files={"file": BLUE})
            problem(response, 429, "overloaded")
            assert int(response.headers["Retry-After"]) > 0
            problem(busy.client.post("/classify/batch", files={"file": BLUE}), 429, "overloaded")
            slow.sendall(BLUE[10:])
            assert slow.recv(65536).startswith(b"HTTP/1.1 200")
        assert busy.client.post("/classify", files={"file": BLUE}).status_code == 200
