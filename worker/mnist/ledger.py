"""What a training has to tell: its history so far, and the sums of the interval since the last entry."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, fields
from typing import TYPE_CHECKING

from bestguess.schemas.jobs import HistoryEntry

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(slots=True)
class Ledger:
    """Counts steps into intervals; `seed` is the training's."""

    seed: int
    history: list[HistoryEntry] = field(default_factory=list)
    losses: float = 0.0
    right: int = 0
    steps: int = 0

    def add(self, losses: Sequence[float], right: Sequence[int]) -> None:
        """Count steps in: each one's mean loss, and how many of its images were right."""
        self.losses += sum(losses)
        self.right += sum(right)
        self.steps += len(losses)

    def close(self, step: int, batch_size: int) -> HistoryEntry:
        """End the interval with an entry of the history."""
        accuracy = self.right / (self.steps * batch_size)
        entry = HistoryEntry(step=step, train_accuracy=accuracy, loss=self.losses / self.steps)
        self.history.append(entry)
        self.losses, self.right, self.steps = 0.0, 0, 0
        return entry

    @property
    def last(self) -> HistoryEntry | None:
        """The newest entry."""
        return self.history[-1] if self.history else None

    def dump(self) -> str:
        """Write it as JSON."""
        return json.dumps(asdict(self) | {"history": [entry.model_dump() for entry in self.history]})

    @classmethod
    def parse(cls, text: str) -> Ledger:
        """Read what `dump` wrote, here or in another version: unknown fields are ignored."""
        values = json.loads(text)
        known = {one.name: values[one.name] for one in fields(cls) if one.name in values}
        return cls(**known | {"history": [HistoryEntry(**entry) for entry in values["history"]]})
