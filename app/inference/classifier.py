"""The trip of an image: decode process, batcher, network, top k."""

from __future__ import annotations

import asyncio
import math
import time
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from app.errors import DeadlinePassed
from app.inference.admission import Bodies
from app.inference.batcher import Closed, QueueFull
from app.inference.engine import Choice
from app.inference.finetuned import base_of
from jobs.trained import TrainedModel
from vision.decode.images import View

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from app.inference.engine import Networks
    from app.inference.model_cache import ModelCache
    from vision.decode.images import Picture, Pixels
    from vision.decode.sandbox import Sandbox
    from vision.networks.labels import Label
    from vision.networks.registry import Network

PATIENCE = 0.8  # of the deadline: who would wait longer had better come back than wait for nothing

PREVIEW = View(size=480, fit="inside", interpolation="bicubic")


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
class Guess:
    """One class and its score, 0 to 1."""

    index: int
    wnid: str | None
    label: str
    score: float


@dataclass(frozen=True, slots=True)
class Seconds:
    """Where the time went; `total` also has what it took to load the network, where it was not in memory."""

    decode: float
    queue: float
    inference: float
    total: float

    @property
    def stages(self) -> Mapping[str, float]:
        """The parts of `total` by name."""
        return {"decode": self.decode, "queue": self.queue, "inference": self.inference}


@dataclass(frozen=True, slots=True)
class Classified:
    """The answer: who gave it, the guesses with the best first, the upright picture, and the time it took."""

    choice: Choice
    guesses: list[Guess]
    picture: Picture
    seconds: Seconds

    @property
    def preview(self) -> Pixels:
        """The photo as (height, width, RGB), where the question asked for it."""
        return self.picture.views[1]


@dataclass(frozen=True, slots=True)
class _Asked:
    """The network that an image waits for."""

    id: str
    trained: bool
    pace: float = 0.0  # seconds an image; a digit takes a millisecond, for which the count is bound enough


class Classifier:
    """Asks the networks, with a bound on the images in hand and a deadline for each.

    Three counts have the bound `most`: bodies that are being read, images in hand for pretrained networks, and those
    for trained ones. None keeps another out, and what was sent takes at most three times `most` bodies of memory.
    `observe` hears of each image that was answered.
    """

    def __init__(  # noqa: PLR0913 - who is asked, within which bounds, and who hears of it
        self,
        engine: Networks,
        trained: ModelCache,
        sandbox: Sandbox,
        *,
        most: int,
        deadline: float,
        observe: Callable[[Classified], None] | None = None,
    ) -> None:
        self.engine, self.trained = engine, trained
        self._sandbox = sandbox
        self.most = most
        self._observe = observe
        self._deadline = deadline
        self.bodies = Bodies(most)
        self._in_hand: dict[asyncio.Timeout, _Asked] = {}
        self._closed = False

    def in_hand(self, *, trained: bool) -> int:
        """Count the images in hand for pretrained networks, or for trained ones."""
        return sum(asked.trained == trained for asked in self._in_hand.values())

    @property
    def broken(self) -> str | None:
        """Say what has ended in this process that only a new one can start again; None while all is well."""
        loaded = (*self.engine.networks.values(), *self.trained.in_memory)
        return next((served.broken for served in loaded if served.broken), None)

    def close(self) -> None:
        """End what is in hand with `Closed`, and take no more; in the event loop's thread."""
        self._closed = True
        for clock in self._in_hand:
            if not clock.expired():
                clock.reschedule(asyncio.get_running_loop().time())

    def admit(self, question: Question) -> None:
        """Refuse what would be refused anyway; asked before a body is read, it spares client and service that.

        Raises:
            NotFound, NotReady: the network does not exist, or is not loaded yet.
            ModelUnusable: it cannot be, as it would not fit into memory, or has another base than it was trained on.
            QueueFull: as many images are in hand as may be, or as can be answered before their deadline.
            Closed: the service is stopping.
        """
        self._admit(self._asked(question))

    def _asked(self, question: Question) -> _Asked:
        """Name whose queue the image would wait in now, which may be another network's than was asked for.

        A fine-tuned model shares that of the network which it is a part of.
        """
        if isinstance(question.model, TrainedModel):
            served = base_of(question.model, self.engine)
            if served is None:
                return _Asked(question.model.id, trained=True)
        else:
            served = self.engine.choose(question.model).slot
        return _Asked(served.network.id, trained=False, pace=served.pace)

    def _admit(self, asked: _Asked) -> None:
        if self._closed:
            raise Closed
        others = [other for other in self._in_hand.values() if other.trained == asked.trained]
        seconds = asked.pace * sum(other.id == asked.id for other in others)
        if len(others) >= self.most or seconds > self._deadline * PATIENCE:
            raise QueueFull(max(1, math.ceil(seconds / 2)))

    @asynccontextmanager
    async def _chosen(self, question: Question) -> AsyncIterator[Choice]:
        if isinstance(question.model, TrainedModel):
            async with self.trained.use(question.model) as served:
                yield Choice(served)
        else:
            yield self.engine.choose(question.model)

    async def classify(self, data: bytes, question: Question) -> Classified:
        """Answer one image. The network is chosen first: one that takes over meanwhile serves the next.

        Raises:
            ImageProblem: the image cannot be used.
            DecodersUnavailable: no decode process could take it.
            NotFinite: its scores are no numbers.
            NotFound, NotReady: the network does not exist, or is not loaded yet.
            QueueFull: as many images are in hand as may be, or as can be answered before their deadline.
            Closed: the service is stopping.
            DeadlinePassed: it took longer than the deadline.
        """
        started, asked = time.perf_counter(), self._asked(question)
        self._admit(asked)
        try:
            async with asyncio.timeout(self._deadline) as clock:
                with self._held(clock, asked):
                    async with self._chosen(question) as choice:
                        decoding = self._sandbox.decode(data, views(choice.slot.network, question))
                        del data  # megabytes that nobody needs while the queue is waited through
                        return await self._answer(asyncio.wrap_future(decoding), question, choice, started)
        except TimeoutError:
            if self._closed:
                raise Closed from None
            raise DeadlinePassed(f"No answer within {self._deadline:g} s. Try again when less is going on.") from None

    async def _answer(
        self, decoding: Awaitable[Picture], question: Question, choice: Choice, started: float
    ) -> Classified:
        handed_over = time.perf_counter()
        picture = await decoding
        decoded = time.perf_counter()
        assert choice.slot.batcher is not None  # noqa: S101 - chosen because it is ready
        done = await choice.slot.batcher.submit(picture.views[0])
        guesses = best(done.answer, choice.slot.network.labels(), question.top_k, question.min_score)
        total = time.perf_counter() - started
        found = Classified(choice, guesses, picture, Seconds(decoded - handed_over, done.queued, done.ran, total))
        if self._observe:
            self._observe(found)
        return found

    @contextmanager
    def _held(self, clock: asyncio.Timeout, asked: _Asked) -> Iterator[None]:
        self._in_hand[clock] = asked
        try:
            yield
        finally:
            del self._in_hand[clock]


def views(network: Network, question: Question) -> tuple[View, ...]:
    """Say how a network wants to see a picture, and how a person does."""
    wanted = View(network.input_size, network.fit or question.fit, network.resize, network.interpolation)
    return (wanted, PREVIEW) if question.preview else (wanted,)


def best(scores: NDArray[np.float32], labels: Sequence[Label], top_k: int, min_score: float) -> list[Guess]:
    """Take the `top_k` best of (classes,) scores that reach `min_score`; of equal ones the first in the table."""
    order = np.argsort(-scores, kind="stable")[:top_k]
    return [
        Guess(int(index), labels[index].wnid, labels[index].name, float(scores[index]))
        for index in order
        if scores[index] >= min_score
    ]
