"""The trip of an image: decode process, batcher, network, top k."""

from __future__ import annotations

import asyncio
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from app.errors import DeadlinePassed
from app.inference.batcher import Closed, QueueFull
from vision.images import View
from vision.labels import imagenet_labels

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from app.inference.engine import Choice, Engine
    from vision.images import Picture, Pixels
    from vision.networks import Network
    from vision.sandbox import Sandbox

PREVIEW = View(size=480, fit="inside", interpolation="bicubic")


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of an image: how many guesses, from which score on, by whom, and how it is made square."""

    top_k: int = 10
    min_score: float = 0.0
    model: str | None = None
    fit: Literal["crop", "stretch"] = "crop"
    preview: bool = False


@dataclass(frozen=True, slots=True)
class Guess:
    """One class and its score, 0 to 1."""

    index: int
    wnid: str
    label: str
    score: float


@dataclass(frozen=True, slots=True)
class Seconds:
    """Where the time went."""

    decode: float
    queue: float
    inference: float
    total: float


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


class Classifier:
    """Asks the networks, with a bound on the images in hand and a deadline for each."""

    def __init__(self, engine: Engine, sandbox: Sandbox, *, most: int, deadline: float) -> None:
        self.engine = engine
        self._sandbox = sandbox
        self._most = most
        self._deadline = deadline
        self._in_hand: set[asyncio.Timeout] = set()
        self._closed = False

    def close(self) -> None:
        """End what is in hand with `Closed`, and take no more; in the event loop's thread."""
        self._closed = True
        for clock in self._in_hand:
            clock.reschedule(asyncio.get_running_loop().time())

    async def classify(self, data: bytes, question: Question) -> Classified:
        """Answer one image. The network is chosen first: one that takes over meanwhile serves the next.

        Raises:
            ImageProblem: the image cannot be used.
            NotFound, NotReady: the network does not exist, or is not loaded yet.
            QueueFull: as many images are in hand as may be.
            Closed: the service is stopping.
            DeadlinePassed: it took longer than the deadline.
        """
        choice = self.engine.choose(question.model)
        try:
            async with asyncio.timeout(self._deadline) as clock:
                with self._held(clock):
                    return await self._classify(data, question, choice)
        except TimeoutError:
            if self._closed:
                raise Closed from None
            raise DeadlinePassed(f"No answer within {self._deadline:g} s. Try again when less is going on.") from None

    async def _classify(self, data: bytes, question: Question, choice: Choice) -> Classified:
        started = time.perf_counter()
        picture = await asyncio.wrap_future(self._sandbox.decode(data, views(choice.served.network, question)))
        decoded = time.perf_counter()
        assert choice.served.batcher is not None  # noqa: S101 - chosen because it is ready
        done = await choice.served.batcher.submit(picture.views[0])
        guesses = best(done.answer, question.top_k, question.min_score)
        total = time.perf_counter() - started
        return Classified(choice, guesses, picture, Seconds(decoded - started, done.queued, done.ran, total))

    @contextmanager
    def _held(self, clock: asyncio.Timeout) -> Iterator[None]:
        if self._closed:
            raise Closed
        if len(self._in_hand) >= self._most:
            raise QueueFull
        self._in_hand.add(clock)
        try:
            yield
        finally:
            self._in_hand.discard(clock)


def views(network: Network, question: Question) -> tuple[View, ...]:
    """Say how a network wants to see a picture, and how a person does."""
    wanted = View(network.input_size, question.fit, network.resize, network.interpolation)
    return (wanted, PREVIEW) if question.preview else (wanted,)


def best(scores: NDArray[np.float32], top_k: int, min_score: float) -> list[Guess]:
    """Take the `top_k` best of (1000,) scores that reach `min_score`; of equal ones the first in the table."""
    labels = imagenet_labels()
    order = np.argsort(-scores, kind="stable")[:top_k]
    return [
        Guess(int(index), labels[index].wnid, labels[index].name, float(scores[index]))
        for index in order
        if scores[index] >= min_score
    ]
