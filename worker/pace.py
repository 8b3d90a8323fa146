"""How fast a training goes, and so how many steps fit into one call."""

from __future__ import annotations

_GROUP_SECONDS = 0.2  # between two chances to stop it
_WARM_UP = 2  # calls that also build graphs and kernels, and say nothing about the pace


class Pace:
    """Measures calls of some steps each."""

    def __init__(self) -> None:
        self._calls = 0
        self._last, self._step_seconds = 1, 0.0  # of the newest call: its steps, and what each took
        self._steps, self._seconds = 0, 0.0  # in this interval
        self._before: float | None = None  # steps a second in the interval before

    @property
    def group(self) -> int:
        """How many steps the next call should take; it grows slowly, lest one fast call lead to a long one."""
        if not self._step_seconds:
            return 1
        return max(1, min(2 * self._last, int(_GROUP_SECONDS / self._step_seconds)))

    @property
    def steps_per_second(self) -> float | None:
        """Steps a second in this interval or, before its first, in the one before."""
        return self._steps / self._seconds if self._seconds else self._before

    def add(self, steps: int, seconds: float) -> None:
        """Count a call in."""
        self._calls += 1
        if self._calls > _WARM_UP:
            self._last, self._step_seconds = steps, seconds / steps
            self._steps += steps
            self._seconds += seconds

    def close(self) -> None:
        """Begin a new interval."""
        self._before = self.steps_per_second
        self._steps, self._seconds = 0, 0.0
