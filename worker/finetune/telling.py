"""How a fine-tuning tells how far it is, about once a second, and hears that it has to stop."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from bestguess.schemas.jobs import Progress
from worker.errors import Stopped

if TYPE_CHECKING:
    from collections.abc import Callable

    from bestguess.schemas.jobs import EpochEntry
    from worker.finetune.ledger import Ledger
    from worker.finetune.plan import Plan

    Report = Callable[[Progress, EpochEntry | None], None]

SECONDS = 1.0  # between reports, so that a page shows movement


class Telling:
    """Whom to tell, and whom to ask; `report` hears progress and, at the end of an epoch, its entry."""

    def __init__(self, report: Report, should_stop: Callable[[], bool]) -> None:
        self._report, self._should_stop = report, should_stop
        self._told = 0.0
        self._started: float | None = None
        self._validation = 0.0

    def look(self, plan: Plan, step: int, ledger: Ledger, pace: float | None) -> None:
        """End it if somebody wants that; else say how far it is, now and then. `pace` is steps a second.

        Raises:
            Stopped: somebody does.
        """
        if self._should_stop():
            raise Stopped
        if time.monotonic() - self._told >= SECONDS:
            self.tell(plan, step, ledger, pace)

    def prepared(self, plan: Plan, step: int, ledger: Ledger, done: int, total: int) -> None:
        """Report how far the photographs are on their way through the frozen layers. Raises as `look`."""
        if self._should_stop():
            raise Stopped
        now = time.monotonic()
        self._started = now if self._started is None or not done else self._started
        if now - self._told < SECONDS:
            return
        rate = done / (now - self._started) if done else None
        self._tell(plan, step, ledger, rate, (total - done) / rate if rate else None)

    def validated(self, seconds: float) -> None:
        """Take into account how long a validation takes."""
        self._validation = seconds

    def tell(self, plan: Plan, step: int, ledger: Ledger, pace: float | None, entry: EpochEntry | None = None) -> None:
        """Report how far it is, with the last epoch's numbers."""
        epochs_left = plan.epochs - len(ledger.history)
        eta = (plan.steps - step) / pace + epochs_left * self._validation if pace else None
        self._tell(plan, step, ledger, pace * plan.batch_size if pace else None, eta, entry)

    def _tell(  # noqa: PLR0913, PLR0917 - what progress is made of
        self,
        plan: Plan,
        step: int,
        ledger: Ledger,
        images_per_second: float | None,
        eta_seconds: float | None,
        entry: EpochEntry | None = None,
    ) -> None:
        last = ledger.last
        progress = Progress(
            step=step,
            total_steps=plan.steps,
            train_accuracy=last.train_accuracy if last else None,
            loss=last.loss if last else None,
            validation_accuracy=last.validation_accuracy if last else None,
            validation_loss=last.validation_loss if last else None,
            images_per_second=images_per_second,
            eta_seconds=eta_seconds,
            epoch=len(ledger.history),
            total_epochs=plan.epochs,
        )
        self._report(progress, entry)
        self._told = time.monotonic()
