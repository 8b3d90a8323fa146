"""The training of the digits' network: it knows no queue and no store, reports by a callable, and asks another to stop.

What a step does depends on the seed and the step alone (`batches`), so that a training which goes on from a checkpoint
goes on as if nothing had been.
"""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from bestguess.schemas.jobs import Progress
from vision.digits import network
from worker.errors import LARGEST_LOSS, Diverged, Stopped
from worker.mnist.batches import Batches, rates
from worker.mnist.evaluation import accuracy, logits, part_right
from worker.mnist.ledger import Ledger
from worker.mnist.stepping import Stepper
from worker.pace import Pace
from worker.saver import Saver

if TYPE_CHECKING:
    from collections.abc import Callable

    import keras
    from numpy.typing import NDArray

    from bestguess.schemas.job_params import MnistParams
    from bestguess.schemas.jobs import HistoryEntry
    from worker.checkpoint import Checkpoint
    from worker.mnist.data import Digits

_TELL_SECONDS = 1.0  # between reports, so that a page shows movement
_EVALUATION_SHARE = 1 / 3  # what an image costs without the way back through the network


class Report(NamedTuple):
    """How far a training is; `entry` is None between the reports that its parameters ask for."""

    progress: Progress
    entry: HistoryEntry | None


@dataclass(frozen=True, slots=True, eq=False)
class Result:
    """A trained network, float32, that takes (batch, 28, 28, 1) in [0, 1] and gives logits (batch, 10).

    Accuracies are 0 to 1, over all training and all test images without dropout; `test_logits` (n, 10) are what it says
    to the latter; `seconds` is the time of the steps
    that this call took, without evaluation; `precision` is a Keras dtype policy.
    """

    model: keras.Model
    train_accuracy: float
    test_accuracy: float
    test_logits: NDArray[np.float32]
    history: tuple[HistoryEntry, ...]
    seed: int
    precision: str
    seconds: float


def train(
    params: MnistParams,
    digits: Digits,
    report: Callable[[Report], None],
    should_stop: Callable[[], bool],
    checkpoint: Checkpoint,
) -> Result:
    """Train a network, from the checkpoint where there is one of the same training, and evaluate it.

    `report` hears of every `report_every`th step and of the last, and about once a second in between; after a
    checkpoint, first of those before it once more. `should_stop` is asked about five times a second. The history's
    accuracies are those of the batches as they were learned from, under dropout. Without a seed one is drawn, which the
    checkpoint keeps. Whoever is done with the checkpoint clears it.

    Raises:
        Diverged: the loss is not finite, or so large that it says nothing (`LARGEST_LOSS`), or a logit is.
        Stopped: `should_stop` said so.
    """
    run = _Run(params, digits, report, should_stop, checkpoint)
    run.learn()
    return run.evaluate()


class _Run:
    def __init__(
        self,
        params: MnistParams,
        digits: Digits,
        report: Callable[[Report], None],
        should_stop: Callable[[], bool],
        checkpoint: Checkpoint,
    ) -> None:
        self._params, self._digits = params, digits
        self._report, self._should_stop = report, should_stop
        self._precision = network.fastest_precision()
        self._saver = Saver(checkpoint, {"params": params.model_dump(), "data": digits.sha256})
        saved = self._saver.load()
        self._step = saved[0] if saved else 0
        self._ledger = Ledger.parse(saved[1]) if saved else Ledger(_seed(params))
        self._batches = Batches(len(digits.x_train), params.batch_size, self._ledger.seed)
        self._stepper = Stepper(params, digits, self._ledger.seed, self._precision)
        if saved:
            self._stepper.state = saved[2]
        self._pace = Pace()
        self._seconds, self._told = 0.0, 0.0

    def learn(self) -> None:
        """Take all steps that are left."""
        self._tell()
        for entry in self._ledger.history:  # whoever saved these may have been cut off, and told nobody
            self._tell(entry)
        while self._step < self._params.steps:
            self._look()
            every = self._params.report_every
            entry_at = min(self._params.steps, (self._step // every + 1) * every)
            self._advance(min(self._pace.group, entry_at - self._step))
            if self._step == entry_at:
                self._enter()
            if self._saver.due:
                self._saver.save(self._step, self._ledger.dump(), self._stepper.state)

    def evaluate(self) -> Result:
        """See how good the network has become."""
        data, plain = self._digits, network.plain(self._stepper.model, self._params.dropout)
        # The large set in the faster arithmetic, which has moved its accuracy by 0.01 % at most.
        train = accuracy(self._stepper.model, data.x_train, data.y_train, self._look)
        said = logits(plain, data.x_test, lambda done: self._look(len(data.x_train) + done))
        # The loss of the last step was that of the weights before it; and what is no number is not below anything.
        if not (np.abs(said) < LARGEST_LOSS).all():
            raise Diverged("The network's answers grew beyond all bounds", self._step, self._params.learning_rate)
        test = part_right(said, data.y_test)
        history, seed = tuple(self._ledger.history), self._ledger.seed
        return Result(plain, train, test, said, history, seed, self._precision, self._seconds)

    def _advance(self, count: int) -> None:
        first = self._step
        places = self._batches.take(first, count)
        started = time.perf_counter()
        losses, right = self._stepper(
            places, rates(self._params.learning_rate, first, count, self._params.steps), first
        )
        seconds = time.perf_counter() - started
        if not losses[-1] < LARGEST_LOSS:
            what = f"The loss became {losses[-1]:.4g}"
            raise Diverged(what, first + len(losses), self._params.learning_rate)
        self._step += count
        self._seconds += seconds
        self._pace.add(count, seconds)
        self._ledger.add(losses.tolist(), right.tolist())

    def _enter(self) -> None:
        entry = self._ledger.close(self._step, self._params.batch_size)
        self._tell(entry)
        self._pace.close()

    def _look(self, evaluated: int = 0) -> None:
        """End it if somebody wants that; else say how far it is, now and then."""
        if self._should_stop():
            raise Stopped
        if time.monotonic() - self._told >= _TELL_SECONDS:
            self._tell(evaluated=evaluated)

    def _tell(self, entry: HistoryEntry | None = None, evaluated: int = 0) -> None:
        last, pace, params = self._ledger.last, self._pace.steps_per_second, self._params
        to_evaluate = len(self._digits.x_train) + len(self._digits.x_test) - evaluated
        steps_left = params.steps - self._step + to_evaluate * _EVALUATION_SHARE / params.batch_size
        progress = Progress(
            step=self._step,
            total_steps=params.steps,
            train_accuracy=last.train_accuracy if last else None,
            loss=last.loss if last else None,
            images_per_second=pace * params.batch_size if pace else None,
            eta_seconds=steps_left / pace if pace else None,
        )
        self._report(Report(progress, entry))
        self._told = time.monotonic()


def _seed(params: MnistParams) -> int:
    return secrets.randbelow(2**31) if params.seed is None else params.seed
