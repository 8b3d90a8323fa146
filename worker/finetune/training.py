"""The training of a head: it knows no queue and no store, reports by a callable, and asks another to stop.

What a step does depends on the seed and the step alone (`plan`, `feeds`), so that a training which goes on from a
checkpoint goes on as if nothing had been.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import numpy as np

from worker.errors import LARGEST_LOSS, Diverged
from worker.finetune import plan as plans
from worker.finetune.division import divide, fitting, weights_of
from worker.finetune.evaluation import Evaluator, cross_entropy, part_right
from worker.finetune.feeds import Preparation
from worker.finetune.ledger import Ledger
from worker.finetune.network import Parts, precision_of
from worker.finetune.photos import Photos
from worker.finetune.plan import Plan
from worker.finetune.stepping import Stepper
from worker.finetune.task import Result
from worker.pace import Pace
from worker.saver import Saver

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import tensorflow as tf
    from numpy.typing import NDArray

    from worker.checkpoint import Checkpoint
    from worker.finetune.task import Room, Task
    from worker.finetune.telling import Telling


def train(
    task: Task,
    room: Room,
    telling: Telling,
    checkpoint: Checkpoint,
    heard: Callable[[Sequence[float]], None] = lambda _: None,
) -> Result:
    """Train a head, from the checkpoint where there is one of the same training; without a seed it is 0.

    `telling` hears of every epoch, and about once a second in between, and is asked whether to stop several times a
    second; `heard` is given each step's mean loss. Whoever is done with the checkpoint clears it.

    Raises:
        Diverged: the loss is not finite, or so large that it says nothing, or an answer is.
        DatasetUnfit, DatasetUnavailable: the photographs do not make a training.
        WeightsError: the base's weights do not fit.
        Stopped: `telling` said so.
        OSError: the disk is full or cannot be written.
    """
    started = time.monotonic()
    run = _Run(task, room, telling, checkpoint, heard)
    run.learn()
    return run.result(started)


class _Run:
    def __init__(
        self,
        task: Task,
        room: Room,
        telling: Telling,
        checkpoint: Checkpoint,
        heard: Callable[[Sequence[float]], None],
    ) -> None:
        params, photographs = task.params, task.photographs
        self._params, self._telling, self._heard = params, telling, heard
        self._labels = np.asarray([photograph.label for photograph in photographs.photographs], np.int32)
        self._division = fitting(divide(photographs.photographs, params.validation_split), photographs, params)
        counts = weights_of(params.class_weights, photographs.classes, self._labels[self._division.train])
        seed = params.seed or 0
        self._plan = Plan(len(self._division.train), params.batch_size, params.epochs, seed)
        self._pace = Pace()
        self._best: list[NDArray[Any]] = []
        precision = precision_of(task.base.root, room.precision)
        self._saver = Saver(checkpoint, _identity(task, precision))
        self._step, text, state = self._saver.load() or (0, Ledger().dump(), [])
        self._ledger = Ledger.parse(text)
        self._look()
        self._parts = Parts(task.base, params.freeze, photographs.classes, precision, seed)
        self._look()
        with Photos(photographs, task.base.root, room.cost, room.limits) as photos:
            prepare = Preparation(
                task.base, self._parts, photos, cache=room.cache, owner=room.owner, look=self._prepared
            )
            self._feeds = prepare.feeds(*self._division, params.augment, seed)
        self._slice = plans.slice_size(task.base.root, self._parts, params.batch_size, ready=self._feeds.ready)
        self._stepper = Stepper(self._parts.head, self._feeds.train, params.optimizer, params.learning_rate, counts)
        self._evaluator = Evaluator(self._parts.head, self._feeds.validation)
        if state:
            self._go_on(state)

    def learn(self) -> None:
        """Take all steps that are left."""
        while not self._over:
            self._advance()
            if self._step % self._plan.epoch_steps == 0:
                self._enter()
            if self._saver.due:
                state = [_Lazy(variable) for variable in self._stepper.variables]
                self._saver.save(self._step, self._ledger.dump(), [*state, *self._best])

    def result(self, started: float) -> Result:
        """Go back to the best epoch, and see what the network says then."""
        if self._best:
            for variable, array in zip(self._stepper.weights, self._best, strict=True):
                variable.assign(array)
        return Result(
            head=self._parts.head,
            cut=self._parts.cut,
            division=self._division,
            logits=self._said(),
            history=tuple(self._ledger.history),
            best_epoch=self._ledger.best,
            precision=self._parts.precision,
            cached=self._feeds.ready,
            seconds=time.monotonic() - started,
        )

    @property
    def _over(self) -> bool:
        patience, between = self._params.patience, self._step % self._plan.epoch_steps == 0
        impatient = patience is not None and between and self._ledger.waited >= patience
        return self._step >= self._plan.steps or impatient

    def _advance(self) -> None:
        self._look()
        most = 1 if self._slice else min(self._pace.group, plans.largest_group(self._feeds.train, self._plan))
        places = self._division.train[self._plan.group(self._step, most)]
        started = time.perf_counter()
        losses, right = self._take(places)
        if not losses[-1] < LARGEST_LOSS:
            what = f"The loss became {losses[-1]:.4g}"
            raise Diverged(what, self._step + len(losses), self._params.learning_rate)
        self._step += len(places)
        self._pace.add(len(places), time.perf_counter() - started)
        self._ledger.add(losses.tolist(), right.tolist(), places.shape[1])
        self._heard(losses.tolist())

    def _take(self, places: NDArray[np.int32]) -> tuple[NDArray[np.float32], NDArray[np.int32]]:
        epoch = self._step // self._plan.epoch_steps
        batches = np.stack([self._feeds.train.take(row, epoch) for row in places])
        labels = self._labels[places]
        if self._slice and self._slice < places.shape[1]:
            return self._stepper.in_slices(batches[0], labels[0], self._step, self._slice, self._look)
        return self._stepper.group(batches, labels, self._step)

    def _enter(self) -> None:
        """End an epoch: validate, and keep the weights if they are the best so far."""
        labels = self._labels[self._division.validation]
        started = time.monotonic()
        said = self._said()
        self._telling.validated(time.monotonic() - started)
        validated = (part_right(said, labels), cross_entropy(said, labels)) if len(labels) else (None, None)
        entry = self._ledger.close(self._step, *validated)
        if len(labels) and self._ledger.best == entry.epoch:
            self._best = [variable.numpy() for variable in self._stepper.weights]
        self._telling.tell(self._plan, self._step, self._ledger, self._pace.steps_per_second, entry)

    def _said(self) -> NDArray[np.float32]:
        said = self._evaluator.logits(self._division.validation, self._look)
        # The loss of the last step was that of the weights before it; and what is no number is not below anything.
        if not (np.abs(said) < LARGEST_LOSS).all():
            raise Diverged("The network's answers grew beyond all bounds", self._step, self._params.learning_rate)
        return said

    def _go_on(self, state: Sequence[NDArray[Any]]) -> None:
        variables = self._stepper.variables
        for variable, array in zip(variables, state[: len(variables)], strict=True):
            variable.assign(array)
        self._best = list(state[len(variables) :])

    def _look(self) -> None:
        self._telling.look(self._plan, self._step, self._ledger, self._pace.steps_per_second)

    def _prepared(self, done: int, total: int) -> None:
        self._telling.prepared(self._plan, self._step, self._ledger, done, total)


class _Lazy:
    """A variable whose numbers are copied when somebody writes them, and not before: there may be many."""

    def __init__(self, variable: tf.Variable) -> None:
        self._variable = variable

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:  # noqa: ANN401 - NumPy's
        return np.asarray(self._variable.numpy(), dtype)


def _identity(task: Task, precision: str) -> dict[str, Any]:
    """Return what has to be the same for a training to go on from another's checkpoint."""
    params, base = task.params.model_dump(mode="json"), [task.base.id, task.base.hash]
    return {"params": params, "data": task.photographs.sha256, "base": base, "precision": precision}
