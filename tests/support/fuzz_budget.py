"""Time budget of randomised tests: in `make test` seconds with a fixed seed, in `make fuzz` minutes.

`make fuzz` sets BESTGUESS_FUZZ_MINUTES; each round has another seed, which a failure prints.
"""

from __future__ import annotations

import os
import secrets
import time
from typing import TYPE_CHECKING

from hypothesis import HealthCheck, Phase, settings

if TYPE_CHECKING:
    from collections.abc import Iterator

MINUTES = "BESTGUESS_FUZZ_MINUTES"


def long() -> bool:
    """Whether there is time."""
    return MINUTES in os.environ


def minutes() -> float:
    """Say how many."""
    return float(os.environ[MINUTES])


def seeds() -> Iterator[int]:
    """Give a seed for each turn: one, always the same, or new ones for as long as there is time."""
    if not long():
        yield 0
        return
    until = time.monotonic() + 60 * minutes()
    while time.monotonic() < until:
        yield secrets.randbits(32)


def examples(quick: int, steps: int, turn: int = 200) -> settings:
    """Say to Hypothesis how many examples a turn has, and how many steps one has at most where it is made of steps."""
    return settings(
        max_examples=turn if long() else quick,
        stateful_step_count=steps,
        derandomize=not long(),
        database=None,  # what was found is printed, with how to repeat it
        deadline=None,  # machines are slow at times
        # Making what was found smaller takes minutes, which only the long form has.
        phases=list(Phase) if long() else [Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
        print_blob=True,
    )
