"""What is in hand: who counts with whom, who is refused, and what becomes of it at the end."""

from __future__ import annotations

import asyncio
import contextlib
import math
import socket
import time
from concurrent.futures import Future
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, cast

import httpx
import numpy as np
import pytest

from app.inference.admission import Bodies, Question
from app.inference.batcher import Closed, QueueFull
from app.inference.classifier import Classifier, Networks
from app.middleware.access_log import RequestRecord
from app.settings import Settings
from jobs.trained import TrainedModel
from support.classify_requests import BLUE, problem
from support.fake_networks import DummyRunner
from support.live_server import live
from support.waiting import wait_until
from vision.decode.images import Picture
from vision.networks.weights import FoundWeights

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    from app.inference.classifier import Classified
    from app.inference.model_cache import ModelCache
    from app.inference.model_slot import ModelSlot
    from support.live_server import Live
    from vision.decode.sandbox import Sandbox

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


class Instant:
    """A sandbox that decodes every image to the same red picture at once."""

    def decode(self, *_: object) -> Future[Picture]:
        """Decode."""
        done: Future[Picture] = Future()
        done.set_result(Picture(1, 1, "PNG", (np.full((224, 224, 3), (255, 0, 0), np.uint8),)))
        return done


class Loaded:
    """A trained network that is always there; VGG16 stands in its place."""

    def __init__(self, served: ModelSlot) -> None:
        self._served = served

    @contextlib.asynccontextmanager
    async def use(self, *_: object) -> AsyncIterator[ModelSlot]:
        """Have it."""
        yield self._served


@pytest.fixture
def networks() -> Iterator[Networks]:
    """Load both pretrained networks."""
    with contextlib.closing(Networks(Settings())) as made:
        assert made.stand_in
        made.stand_in.serve(DummyRunner(), WEIGHTS)
        yield made


def classifier(networks: Networks, most: int, deadline: float = 10, sandbox: object = None) -> Classifier:
    """Make one whose pictures never get decoded, unless by another sandbox."""
    trained = cast("ModelCache", Loaded(networks.primary))
    return Classifier(networks, trained, cast("Sandbox", sandbox or Stuck()), most=most, deadline=deadline)


async def hold(asked: Classifier, question: Question) -> asyncio.Task[Classified]:
    """Have an image in hand."""
    held = asyncio.create_task(asked.classify(b"", asked.admit(question)))
    await asyncio.sleep(0)
    return held


async def drop(*held: asyncio.Task[Classified]) -> None:
    """Let images go."""
    for task in held:
        task.cancel()
    await asyncio.gather(*held, return_exceptions=True)


def test_digits_and_photos_do_not_keep_each_other_out(networks: Networks) -> None:
    """As many photos and as many digits as may are in hand at once, and each kind's next is refused."""

    async def scene() -> None:
        asked = classifier(networks, most=2)
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


def test_those_who_wait_for_the_same_network_count(networks: Networks) -> None:
    """Who is answered by the stand-in waits behind who asked for it by name, and not behind another network's."""

    async def scene() -> None:
        asked = classifier(networks, most=10)
        assert networks.stand_in
        assert networks.stand_in.batcher
        networks.stand_in.batcher.pace = 5.0  # seconds an image: two are more than 0.8 of the deadline
        held = [await hold(asked, Question(model="efficientnet-lite0")), await hold(asked, Question())]
        for question in (Question(), Question(model="efficientnet-lite0")):
            with pytest.raises(QueueFull) as refused:
                asked.admit(question)
            assert refused.value.retry_after == 5
        networks.primary.serve(DummyRunner(), WEIGHTS)
        asked.admit(Question())
        await drop(*held)

    asyncio.run(scene())


def test_a_takeover_between_admission_and_answer(networks: Networks) -> None:
    """Who was admitted with the stand-in is answered by it, though VGG16 is ready meanwhile and serves the next."""

    async def scene() -> None:
        asked = classifier(networks, most=10, sandbox=Instant())
        admission = asked.admit(Question())
        networks.primary.serve(DummyRunner(), WEIGHTS)
        answers = [await asked.classify(b"", each) for each in (admission, asked.admit(Question()))]
        assert [(answer.choice.slot, answer.choice.stand_in_for) for answer in answers] == [
            (networks.stand_in, "vgg16"),
            (networks.primary, None),
        ]
        assert asked.in_hand(trained=False) == 0

    asyncio.run(scene())


def test_closing_at_a_deadline(networks: Networks) -> None:
    """What reaches its deadline in the moment in which the service closes is no error, and the others are ended."""

    async def scene() -> None:
        asked, loop = classifier(networks, most=10, deadline=60), asyncio.get_running_loop()
        held = [await hold(asked, Question()) for _ in range(2)]
        next(iter(asked._in_hand)).reschedule(loop.time())
        loop.call_soon(asked.close)  # once the clock has struck, and before its task has heard of it
        async with asyncio.timeout(10):
            ends = await asyncio.gather(*held, return_exceptions=True)
        assert [type(end) for end in ends] == [Closed, Closed]
        with pytest.raises(Closed):
            asked.admit(Question())

    asyncio.run(scene())


async def reader(bodies: Bodies, client: str, received: int = 0) -> asyncio.Task[str]:
    """Begin to read a client's body that never comes to its end; the task's result is that it was told to leave."""

    async def read() -> str:
        record = RequestRecord("abc")
        record.received = received
        try:
            async with bodies.reading(client, record):
                await asyncio.Event().wait()
        except QueueFull:
            return "left"
        raise AssertionError

    task = asyncio.create_task(read())
    for _ in range(6):
        await asyncio.sleep(0)
    return task


async def ends(*tasks: asyncio.Task[str]) -> list[bool]:
    """Say which of these tasks have ended."""
    for _ in range(6):
        await asyncio.sleep(0)
    return [task.done() for task in tasks]


def test_bodies_are_bounded() -> None:
    """No more bodies than may are read at once; when one is read, the next may come."""

    async def scene() -> None:
        bodies, record = Bodies(2), RequestRecord("abc")
        async with bodies.reading("a", record):
            async with bodies.reading("a", record):
                with pytest.raises(QueueFull):
                    await bodies.reading("a", record).__aenter__()
            async with bodies.reading("a", record):
                pass

    asyncio.run(scene())


@pytest.mark.parametrize("bounds", [{"grace": 0.0}, {"long": 0.0}])
def test_a_slow_body_makes_way(bounds: dict[str, float]) -> None:
    """Of bodies that are too slow, or are read for long, the first makes way for the next."""

    async def scene() -> None:
        bodies = Bodies(2, **bounds)
        slow = [await reader(bodies, "a") for _ in range(2)]
        assert await ends(*slow) == [False, False]
        third = await reader(bodies, "a")
        assert await ends(*slow, third) == [True, False, False]

    asyncio.run(scene())


def test_the_slowest_body_makes_way_first() -> None:
    """Of bodies that are read for long, those make way first that are too slow."""

    async def scene() -> None:
        bodies = Bodies(3, grace=0.05, long=0.0)
        tasks = [await reader(bodies, "a", received) for received in (10**9, 1, 10**8)]
        await asyncio.sleep(0.05)
        newcomer = await reader(bodies, "a", 10**10)
        assert await ends(*tasks, newcomer) == [False, True, False, False]

    asyncio.run(scene())


def test_a_burst_does_not_hide_that_nothing_comes() -> None:
    """A body that brought much at its beginning and then nothing is too slow in the end."""

    async def scene() -> None:
        bodies = Bodies(1, grace=0.05, long=math.inf)
        stalled = await reader(bodies, "a", 10**9)
        for gone in (False, True):
            await asyncio.sleep(0.05)
            await reader(bodies, "a")
            assert await ends(stalled) == [gone]

    asyncio.run(scene())


def test_clients_share_the_places() -> None:
    """Where all places are taken, a client takes them from whoever holds most, until each holds as many."""

    async def scene() -> None:
        bodies = Bodies(6)
        theirs = [await reader(bodies, "many", received) for received in (500, 400, 300, 200, 100)]
        other = await reader(bodies, "one")
        ours = [await reader(bodies, "ours") for _ in range(3)]
        assert await ends(*theirs, other, *ours) == [False, False, False, True, True, False, False, False, True]
        more = await reader(bodies, "many")
        assert await ends(*theirs[:3], other, *ours[:2], more) == [False] * 6 + [True]

    asyncio.run(scene())


def test_what_has_arrived_keeps_its_place() -> None:
    """A body that has arrived makes way for nobody, unless its client holds every place: then for another client."""

    async def scene() -> None:
        bodies = Bodies(3, grace=0.0, long=0.0)
        tasks = [await reader(bodies, "a", received) for received in (3, 1, 2)]
        for body in bodies._bodies:
            body.arrived = True
        with pytest.raises(QueueFull):
            await bodies.reading("a", RequestRecord("abc")).__aenter__()
        async with bodies.reading("b", RequestRecord("abc")) as other:
            other.arrived = True
            assert await ends(*tasks) == [False, True, False]
            with pytest.raises(QueueFull):
                await bodies.reading("c", RequestRecord("abc")).__aenter__()
            assert await ends(*tasks) == [False, True, False]

    asyncio.run(scene())


def test_a_busy_event_loop_is_no_slow_client() -> None:
    """What a client has sent while the event loop was busy counts before its rate is judged."""

    async def scene() -> None:
        bodies, record = Bodies(1, grace=0.2, long=math.inf), RequestRecord("abc")
        ours, theirs = socket.socketpair()
        with theirs:
            stream, writer = await asyncio.open_connection(sock=ours)

            async def read() -> None:
                async with bodies.reading("a", record):
                    while piece := await stream.read(65536):
                        record.received += len(piece)

            reading = asyncio.create_task(read())
            await asyncio.sleep(0)
            theirs.sendall(bytes(50_000))
            time.sleep(0.3)  # noqa: ASYNC251 - the event loop is busy
            newcomer = await reader(bodies, "a")
            assert await ends(reading, newcomer) == [False, True]
        await reading
        writer.close()

    asyncio.run(scene())


def test_bodies_that_are_read_are_bounded(tmp_path: Path) -> None:
    """While as many bodies as may are on their way the next is refused unread, and has its turn once one is gone."""
    with live(Settings(data_dir=tmp_path, decode_processes=1, queue_size=1)) as busy:
        url = busy.client.base_url
        head = "POST /classify HTTP/1.1\r\nHost: localhost\r\nContent-Type: image/png\r\n"
        head += f"Content-Length: {len(BLUE)}\r\n\r\n"
        with socket.create_connection((url.host, url.port or 0), 10) as slow:
            slow.sendall(head.encode() + BLUE[:10])
            wait_until(lambda: len(busy.state["classifier"].bodies._bodies) == 1, 10)
            response = busy.client.post("/classify", files={"file": BLUE})
            problem(response, 429, "overloaded")
            assert int(response.headers["Retry-After"]) > 0
            problem(busy.client.post("/classify/batch", files={"file": BLUE}), 429, "overloaded")
            slow.sendall(BLUE[10:])
            assert slow.recv(65536).startswith(b"HTTP/1.1 200")
        assert busy.client.post("/classify", files={"file": BLUE}).status_code == 200


def begun(service: Live, stack: contextlib.ExitStack, count: int, address: str) -> list[socket.socket]:
    """Begin uploads from an address, each of which sends its head and one byte."""
    url = service.client.base_url
    head = b"POST /classify HTTP/1.1\r\nHost: localhost\r\nContent-Type: image/png\r\nContent-Length: 1000000\r\n\r\n"
    made = []
    for _ in range(count):
        connection = socket.create_connection((url.host, url.port or 0), 30, (address, 0))
        made.append(stack.enter_context(connection))
        connection.sendall(head + b"x")
    return made


def test_slow_uploads_from_one_address_keep_nobody_else_out(tmp_path: Path) -> None:
    """With hundreds of slow uploads from one address, wave after wave, one from another is answered as fast as ever."""
    most = 100
    with contextlib.ExitStack() as stack:
        service = stack.enter_context(live(Settings(data_dir=tmp_path, decode_processes=1, queue_size=most)))
        service.state["classifier"].bodies = Bodies(most, grace=300, long=300)  # only the share of an address counts
        elsewhere = httpx.HTTPTransport(local_address="127.0.0.2")
        url = service.client.base_url
        other = stack.enter_context(httpx.Client(base_url=url, transport=elsewhere, timeout=30))

        def seconds() -> float:
            started = time.monotonic()
            answer = other.post("/classify", files={"file": BLUE})
            assert answer.status_code == 200, answer.text
            return time.monotonic() - started

        alone = [seconds() for _ in range(5)]
        slow = begun(service, stack, 250, "127.0.0.1")
        wait_until(lambda: service.state["classifier"].bodies.count == most, 30)
        attacked = []
        for _ in range(5):
            begun(service, stack, 20, "127.0.0.1")
            for connection in slow:
                with contextlib.suppress(OSError):
                    connection.send(b"x")
            attacked.append(seconds())
        begun(service, stack, 20, "127.0.0.1")  # the last one from elsewhere has left its place
        wait_until(lambda: service.state["classifier"].bodies.count == most, 30)
        problem(service.client.post("/classify", files={"file": BLUE}), 429, "overloaded")
        assert min(attacked) < max(alone) + 1


def test_slow_uploads_make_way_at_their_own_address(tmp_path: Path) -> None:
    """Whoever shares an address with slow uploads, as behind a proxy, has a turn once these have had their time."""
    with contextlib.ExitStack() as stack:
        service = stack.enter_context(live(Settings(data_dir=tmp_path, decode_processes=1, queue_size=4)))
        service.state["classifier"].bodies = Bodies(4, grace=0.1, long=math.inf)
        begun(service, stack, 4, "127.0.0.1")
        post = partial(service.client.post, "/classify", files={"file": BLUE})
        assert wait_until(lambda: (answer := post()).status_code != 429 and answer, 30).status_code == 200
