"""Classification of an image: the decode sandbox, the queue of the network that was chosen, and the top k."""

from __future__ import annotations

import asyncio
import math
import time
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from app.errors import DeadlinePassed, ModelUnusable, NotFound, NotReady, OtherWeights
from app.inference.admission import Admission, Bodies, Choice
from app.inference.batcher import Closed, QueueFull
from app.inference.model_cache import Base, finetuned_facts
from app.inference.model_slot import LoadStatus, ModelSlot
from jobs.trained import TrainedModel
from vision.decode.images import View
from vision.networks.random_weights import RANDOM_SEED
from vision.networks.registry import NETWORKS, STAND_IN

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    from app.inference.admission import Question
    from app.inference.model_cache import ModelCache
    from app.settings import Settings
    from vision.decode.images import Picture, Pixels
    from vision.decode.sandbox import Sandbox
    from vision.networks.labels import Label
    from vision.networks.registry import Network

PATIENCE = 0.8  # of the deadline: who would wait longer had better come back than wait for nothing
RETRY_LOADING = 5  # seconds; loading takes about ten
PREVIEW = View(size=480, fit="inside", interpolation="bicubic")


class Networks:
    """The slots of all pretrained networks: some are loaded at the start, the others when they are first asked.

    The first of BESTGUESS_MODELS answers `/classify`, and EfficientNet-Lite0 in its place until it can; both can be
    given, and so can the table that they are from. `coming` has those whose weights were there at the start and that
    are not loaded yet. `on_ask` is called at each question to a network that is not `listed`, and may raise why that
    cannot be loaded.
    """

    def __init__(
        self,
        settings: Settings,
        primary: Network | None = None,
        stand_in: Network = STAND_IN,
        table: Mapping[str, Network] = NETWORKS,
    ) -> None:
        first, *others = (table[name] for name in settings.listed)
        listed = {network.id: network for network in (primary or first, *others)}
        self.listed = [self._slot(network, settings) for network in listed.values()]
        self.primary = self.listed[0]
        self.weights = settings.weights
        self.stand_in: ModelSlot | None = None
        if settings.stand_in and self.primary.network.id != stand_in.id:
            there = (slot for slot in self.listed if slot.network.id == stand_in.id)
            self.stand_in = next(there, None) or self._slot(stand_in, settings)
        at_start = dict.fromkeys((*self.listed, *filter(None, (self.stand_in,))))
        self.slots = {slot.network.id: slot for slot in at_start}
        self.on_demand = [
            self._slot(network, settings)
            for network in table.values()
            if network.weights and network.id not in self.slots
        ]
        for slot in self.on_demand:
            slot.status = LoadStatus("waiting", f"{slot.network.title} is loaded when it is first asked.")
            self.slots[slot.network.id] = slot
        self.coming: set[ModelSlot] = set()
        self.on_ask: Callable[[ModelSlot], None] | None = None

    @staticmethod
    def _slot(network: Network, settings: Settings) -> ModelSlot:
        return ModelSlot(
            network,
            capacity=settings.queue_size,
            precision=settings.precision,
            linger=settings.batch_wait_seconds,
        )

    @property
    def ready(self) -> bool:
        """Whether images are classified as well as they will be for now.

        The stand-in alone is enough, unless VGG16's weights were there at the start: it is worth the few seconds then.
        So is any other network that is to be loaded at the start.
        """
        stand_in = self.stand_in is not None and self.stand_in.ready
        return (self.primary.ready or stand_in) and all(slot.ready for slot in self.coming)

    @property
    def in_view(self) -> list[ModelSlot]:
        """Those that are loaded at the start, and those that somebody has asked for since."""
        untouched = [slot for slot in self.on_demand if slot.status.state == "waiting"]
        return [slot for slot in self.slots.values() if slot not in untouched]

    def tell_batches(self, on_batch: Callable[[str, int], None]) -> None:
        """Have `on_batch` called for each batch, with its network's label and its size."""
        for slot in self.slots.values():
            slot.tell_batches(on_batch)

    def find(self, model: str) -> ModelSlot:
        """Look a network up by its id.

        Raises:
            NotFound: there is none of this name.
        """
        if model not in self.slots:
            known = ", ".join(self.slots)
            raise NotFound(f"There is no model '{model[:80]}'. The models are: {known}.")
        return self.slots[model]

    def choose(self, model: str | None) -> Choice:
        """Choose who answers: the one insisted on, else VGG16, else its stand-in.

        Raises:
            NotFound: there is no model of this name.
            NotReady: it is there, but not loaded yet.
            NotEnoughMemory: it is loaded only when somebody asks, and there is no room for it.
        """
        wanted = self.find(model) if model else self.primary
        if wanted.batcher:
            return Choice(wanted)
        if model is None and self.stand_in and self.stand_in.batcher:
            return Choice(self.stand_in, wanted.network.id, wanted.status.detail)
        if wanted in self.on_demand and self.on_ask:
            self.on_ask(wanted)
        raise NotReady(self.explain(wanted), retry_after=RETRY_LOADING)

    def base_of(self, model: TrainedModel) -> Base | None:
        """Return the pretrained network that a fine-tuned model is a part of, ready to answer; None for other models.

        Raises:
            ModelUnusable: this service does not have it, or has it with other weights than the model was trained on.
            NotReady, NotEnoughMemory: as `choose`, which has it loaded.
            WeightsError: the model's record cannot be understood.
        """
        facts = finetuned_facts(model)
        if facts is None:
            return None
        try:
            slot = self.choose(facts.root).slot
        except NotFound:
            action = f"Start the service with {facts.root} in BESTGUESS_MODELS."
            raise ModelUnusable(f"{model.id} is a part of {facts.root}, which is not served here. {action}") from None
        there = slot.weights and (slot.weights.hash or f"random:{RANDOM_SEED}")
        if there != facts.root_weights.hash:
            title, wanted = slot.network.title, f"{facts.root_weights.origin} weights, {facts.root_weights.hash}"
            raise OtherWeights(
                f"{model.id} was trained on {title} with {wanted}; {title} is served with {there}. "
                "Start the service with the former (BESTGUESS_WEIGHTS), or fine-tune again."
            )
        return Base(slot, facts)

    def explain(self, slot: ModelSlot) -> str:
        """Explain how far a network is, what stands in its way, and what to do."""
        return " ".join(filter(None, (slot.status.detail, slot.status.trouble, slot.status.action)))

    def close(self) -> None:
        """Fail what waits, in every queue."""
        for slot in self.slots.values():
            slot.close()


@dataclass(frozen=True, slots=True)
class Guess:
    """One class and its score, 0 to 1."""

    index: int
    wnid: str | None
    label: str
    score: float


@dataclass(frozen=True, slots=True)
class Classified:
    """The answer: who gave it, the guesses with the best first, the upright picture, and the seconds that it took.

    `stages` are `decode`, `queue` and `inference`; `total` also has what it took to load the network, where it was not
    in memory.
    """

    choice: Choice
    guesses: list[Guess]
    picture: Picture
    stages: Mapping[str, float]
    total: float

    @property
    def preview(self) -> Pixels:
        """The photo as (height, width, RGB), where the question asked for it."""
        return self.picture.views[1]


class Classifier:
    """Classifies images, with a bound on the images in hand and a deadline for each.

    Three counts have the bound `most`: bodies that are being read, images in hand for pretrained networks, and those
    for trained ones. None keeps another out, and what was sent takes at most three times `most` bodies of memory.
    """

    def __init__(
        self,
        networks: Networks,
        trained: ModelCache,
        sandbox: Sandbox,
        *,
        most: int,
        deadline: float,
    ) -> None:
        self.networks, self.trained = networks, trained
        self._sandbox = sandbox
        self.most = most
        self._deadline = deadline
        self.bodies = Bodies(most)
        self._in_hand: dict[asyncio.Timeout, Admission] = {}  # each image by its own clock
        self._closed = False

    def in_hand(self, *, trained: bool) -> int:
        """Count the images in hand for pretrained networks, or for trained ones."""
        return sum((admission.queue is None) == trained for admission in self._in_hand.values())

    @property
    def broken(self) -> str | None:
        """What has ended in this process that only a new one can start again; None while all is well."""
        loaded = (*self.networks.slots.values(), *self.trained.in_memory)
        return next((broken for slot in loaded if (broken := slot.broken)), None)

    def close(self) -> None:
        """End what is in hand with `Closed`, and take no more; in the event loop's thread."""
        self._closed = True
        for clock in self._in_hand:
            if not clock.expired():
                clock.reschedule(asyncio.get_running_loop().time())

    def admit(self, question: Question) -> Admission:
        """Decide who answers, and refuse what would be refused anyway: before a body is read, that spares both sides.

        Raises:
            NotFound, NotReady: the network does not exist, or is not loaded yet.
            ModelUnusable: it cannot be, as it would not fit into memory, or has another base than it was trained on.
            QueueFull: as many images are in hand as may be, or as can be answered before their deadline.
            Closed: the service is stopping.
        """
        if isinstance(question.model, TrainedModel):
            base = self.networks.base_of(question.model)
            admission = Admission(question, base.slot if base else None, base=base)
        else:
            choice = self.networks.choose(question.model)
            admission = Admission(question, choice.slot, choice)
        self._check_room(admission)
        return admission

    async def classify(self, data: bytes, admission: Admission) -> Classified:
        """Answer one image of a request that was admitted.

        Raises:
            ImageProblem: the image cannot be used.
            DecodersUnavailable: no decode process could take it.
            NotFinite: its scores are not finite.
            NotFound: the network was removed meanwhile.
            QueueFull: as many images are in hand as may be, or as can be answered before their deadline.
            Closed: the service is stopping.
            DeadlinePassed: it took longer than the deadline.
        """
        started, question = time.perf_counter(), admission.question
        self._check_room(admission)  # others may have come while the body was read
        try:
            async with asyncio.timeout(self._deadline) as clock, AsyncExitStack() as stack:
                self._in_hand[clock] = admission
                stack.callback(self._in_hand.pop, clock)
                choice = admission.choice
                if choice is None:
                    assert isinstance(question.model, TrainedModel)  # noqa: S101 - else a choice was made
                    choice = Choice(await stack.enter_async_context(self.trained.use(question.model, admission.base)))
                slot, handed_over = choice.slot, time.perf_counter()
                network = slot.network
                view = View(network.input_size, network.fit or question.fit, network.resize, network.interpolation)
                decoding = self._sandbox.decode(data, (view, PREVIEW) if question.preview else (view,))
                del data  # megabytes that nobody needs while the queue is waited through
                picture = await asyncio.wrap_future(decoding)
                decoded = time.perf_counter()
                assert slot.batcher is not None  # noqa: S101 - chosen because it is ready
                done = await slot.batcher.submit(picture.views[0])
        except TimeoutError:
            if self._closed:
                raise Closed from None
            raise DeadlinePassed(f"No answer within {self._deadline:g} s. Try again when less is going on.") from None
        guesses = best(done.answer, slot.network.labels(), question.top_k, question.min_score)
        stages = {"decode": decoded - handed_over, "queue": done.queued, "inference": done.ran}
        return Classified(choice, guesses, picture, stages, total=time.perf_counter() - started)

    def _check_room(self, admission: Admission) -> None:
        if self._closed:
            raise Closed
        queue = admission.queue
        others = [other.queue for other in self._in_hand.values() if (other.queue is None) == (queue is None)]
        seconds = 0.0  # a digit takes a millisecond, for which the count is bound enough
        if queue is not None and queue in others:
            seconds = queue.pace * others.count(queue)
        if len(others) >= self.most or seconds > self._deadline * PATIENCE:
            raise QueueFull(max(1, math.ceil(seconds / 2)))


def best(scores: NDArray[np.float32], labels: Sequence[Label], top_k: int, min_score: float) -> list[Guess]:
    """Return the `top_k` best of (classes,) scores that reach `min_score`; of equal ones the first in the table."""
    order = np.argsort(-scores, kind="stable")[:top_k]
    return [
        Guess(int(index), labels[index].wnid, labels[index].name, float(scores[index]))
        for index in order
        if scores[index] >= min_score
    ]
