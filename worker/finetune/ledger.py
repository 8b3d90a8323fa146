"""What a fine-tuning has to tell: its epochs so far, which was the best, and the sums of the one under way."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, fields
from typing import TYPE_CHECKING

from bestguess.schemas.jobs import EpochEntry

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(slots=True)
class Ledger:
    """Counts steps into epochs; `best` is the number of the best one, from 1, 0 before the first."""

    history: list[EpochEntry] = field(default_factory=list)
    best: int = 0
    losses: float = 0.0
    right: int = 0
    seen: int = 0

    def add(self, losses: Iterable[float], right: Iterable[int], size: int) -> None:
        """Count steps of `size` photographs in: each one's mean loss, and how many were right."""
        for loss, hits in zip(losses, right, strict=True):
            self.losses += loss * size
            self.right += hits
            self.seen += size

    def close(self, step: int, accuracy: float | None, loss: float | None) -> EpochEntry:
        """End the epoch, with its validation where there is one; without, the newest epoch is the best."""
        entry = EpochEntry(
            epoch=len(self.history) + 1,
            step=step,
            train_accuracy=self.right / self.seen,
            loss=self.losses / self.seen,
            validation_accuracy=accuracy,
            validation_loss=loss,
        )
        best = self.history[self.best - 1] if self.best else None
        self.history.append(entry)
        if best is None or _goodness(entry) > _goodness(best):
            self.best = entry.epoch
        self.losses, self.right, self.seen = 0.0, 0, 0
        return entry

    @property
    def last(self) -> EpochEntry | None:
        """The newest epoch."""
        return self.history[-1] if self.history else None

    @property
    def waited(self) -> int:
        """How many epochs there were since the best."""
        return len(self.history) - self.best

    def dump(self) -> str:
        """Write it as JSON."""
        return json.dumps(asdict(self) | {"history": [entry.model_dump() for entry in self.history]})

    @classmethod
    def parse(cls, text: str) -> Ledger:
        """Read what `dump` wrote, here or in another version: unknown fields are ignored."""
        values = json.loads(text)
        known = {one.name: values[one.name] for one in fields(cls) if one.name in values}
        return cls(**known | {"history": [EpochEntry(**entry) for entry in values["history"]]})


def _goodness(entry: EpochEntry) -> tuple[float, float, int]:
    """Compare epochs by validation accuracy, then by the lower loss; without validation the later is the better."""
    if entry.validation_accuracy is None or entry.validation_loss is None:
        return 0.0, 0.0, entry.epoch
    return entry.validation_accuracy, -entry.validation_loss, 0
