"""Admission of requests: who answers, decided once before the body is read, and a bounded number of bodies at once."""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

from app.inference.batcher import QueueFull

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from app.inference.model_cache import Base
    from app.inference.model_slot import ModelSlot
    from jobs.trained import TrainedModel

GRACE = 10.0  # seconds after which a body's rate is judged
LEAST_RATE = 1000  # bytes a second; a telephone on a bad network has ten times as many
LONG = 10.0  # seconds; 20 MB take them at 16 Mbit/s


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of an image: how many guesses, from which score on, by whom, and how it is made square.

    `model` is a pretrained network's id, a network that a job has trained, or None for the service's best.
    """

    top_k: int = 10
    min_score: float = 0.0
    model: str | TrainedModel | None = None
    fit: Literal["crop", "stretch"] = "crop"
    preview: bool = False
    show_input: bool = False


@dataclass(frozen=True, slots=True)
class Choice:
    """The network that answers a request; where it stands in for another, for which and why."""

    slot: ModelSlot
    stand_in_for: str | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Admission:
    """What was decided about a request before its body is read; a network that is loaded meanwhile serves the next one.

    `queue` is the pretrained network in whose queue the images wait; None: a network of digits, which has its own.
    `choice` is the pretrained network that answers; None: the trained model of the question does, which the cache
    loads when there is an image, as a head of its `base` if it is a fine-tuned one.
    """

    question: Question
    queue: ModelSlot | None
    choice: Choice | None = None
    base: Base | None = None


class RequestRecord(Protocol):
    """What counts the bytes of a body as they arrive."""

    received: int


@dataclass(eq=False, slots=True)
class Body:
    """A body that is being read, or has `arrived` and keeps its place for what is done with it."""

    client: str
    record: RequestRecord
    clock: asyncio.Timeout
    began: float
    since: float  # when the rate was measured last, and at how many bytes
    before: int = 0
    rate: float | None = None  # bytes a second, of at least `GRACE` seconds
    arrived: bool = False

    @property
    def slow(self) -> bool:
        """Whether its rate is known, and too low."""
        return self.rate is not None and self.rate < LEAST_RATE

    def measure(self, now: float, grace: float) -> None:
        """Measure the rate again where the last time is long enough ago; a burst at the start is soon forgotten."""
        if now - self.since >= grace:
            self.rate = (self.record.received - self.before) / max(now - self.since, 1e-9)
            self.since, self.before = now, self.record.received


class Bodies:
    """At most `most` bodies at once: what waits to be read and what is read slowly are both memory.

    Where there are as many, one of them makes way for a newcomer, or the newcomer is refused. A client's newcomers
    take places from that client and from clients that hold more, never from those that hold as many or fewer: many
    connections from one client keep nobody else out. Clients that share an address lose places to others only while
    there are none left. What makes way is too slow after `grace` seconds, belongs to a client that holds more than a
    fair share, or takes longer than `long` seconds. A body that has arrived only makes way where its client holds every
    place.
    """

    def __init__(self, most: int, *, grace: float = GRACE, long: float = LONG) -> None:
        self._most, self._grace, self._long = most, grace, long
        self._bodies: list[Body] = []

    @property
    def count(self) -> int:
        """How many bodies are being read."""
        return len(self._bodies)

    @asynccontextmanager
    async def reading(self, client: str, record: RequestRecord) -> AsyncIterator[Body]:
        """Read a client's body in the block; `record` counts its bytes.

        Raises:
            QueueFull: as many are being read; before the block, or in it, where this one made way.
        """
        if len(self._bodies) >= self._most:
            await self._make_room(client)
        now = asyncio.get_running_loop().time()
        try:
            async with asyncio.timeout(None) as clock:
                body = Body(client, record, clock, now, now)
                self._bodies.append(body)
                try:
                    yield body
                finally:
                    if body in self._bodies:
                        self._bodies.remove(body)
        except TimeoutError:
            if clock.expired():
                raise QueueFull from None
            raise

    async def _make_room(self, client: str) -> None:
        for _ in range(3):  # what has come while the event loop was busy is counted before a rate is judged
            await asyncio.sleep(0)
        if len(self._bodies) < self._most:
            return
        now = asyncio.get_running_loop().time()
        leaving = self._to_leave(client, now)
        if leaving is None:
            raise QueueFull
        self._bodies.remove(leaving)
        leaving.clock.reschedule(now)

    def _to_leave(self, client: str, now: float) -> Body | None:
        """Return the body that makes way for a client's: slow ones first, then of who holds most, then the smallest."""
        held = Counter(body.client for body in self._bodies)
        mine = held[client]
        candidates = []
        for body in self._bodies:
            body.measure(now, self._grace)
            theirs = held[body.client]
            from_whom = body.client == client or theirs > mine
            why = body.slow or theirs > mine + 1 or now - body.began >= self._long
            if body.arrived:
                why = theirs > mine + 1 and theirs == self._most
            if from_whom and why:
                candidates.append(body)
        return min(
            candidates,
            key=lambda body: (body.arrived, not body.slow, -held[body.client], body.record.received),
            default=None,
        )
