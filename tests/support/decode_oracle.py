"""Allowed outcomes of decoding a broken image: an image within the limits, or a named problem."""

from __future__ import annotations

import re
import traceback
from collections import Counter, deque
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

from support.mutations import mutated
from support.mutations.seeds import seeds
from vision.decode.images import FORMATS, Limits, View
from vision.errors import PROBLEMS, ImageProblem, TooCostly

if TYPE_CHECKING:
    from concurrent.futures import Future
    from random import Random

    from vision.decode.images import Picture
    from vision.decode.sandbox import Sandbox

LIMITS = Limits(max_pixels=4_000_000, max_scans=100)
VIEWS = (View(224), View(100, "inside"))
DIGIT = (View(28, "digit", 240, "bicubic"),)
AT_ONCE = 8  # in the sandbox
POOL = 3000  # files from which others are made
PATIENCE = 120.0  # seconds for an answer: a picture may take ten, and others wait before it, on a machine that is slow
CRASH = re.compile(r"SIG(?!KILL|XCPU)[A-Z]+")  # those two are the limits' doing
OURS = Path(__file__).parents[2] / "vision"
# What a library raises about a file, ours must not.
FAULTS = (NameError, AttributeError, TypeError, LookupError, AssertionError, RecursionError, ArithmeticError)


@dataclass
class Trial:
    """Sends one mutant after the other; what came out in a new way is a seed of further ones."""

    sandbox: Sandbox
    random: Random
    pool: list[bytes] = field(default_factory=seeds)
    outcomes: Counter[str] = field(default_factory=Counter)
    faults: list[tuple[str, bytes]] = field(default_factory=list)
    _waiting: deque[tuple[bytes, Future[Picture]]] = field(default_factory=deque)

    def run(self, count: int) -> None:
        """Try so many."""
        for _ in range(count):
            data = mutated(self.random.choice(self.pool), self.random, self.pool)
            views = VIEWS if self.random.random() < 0.9 else DIGIT
            self._waiting.append((data, self.sandbox.decode(data, views)))
            if len(self._waiting) >= AT_ONCE:
                self._take()
        while self._waiting:
            self._take()

    def _take(self) -> None:
        data, future = self._waiting.popleft()
        try:
            outcome = described(future.result(PATIENCE))
        except ImageProblem as problem:
            outcome = f"{type(problem).__name__}: {re.sub('[0-9]+', 'N', str(problem))}"
            if type(problem).__name__ not in PROBLEMS or (type(problem) is TooCostly and CRASH.search(str(problem))):
                self.faults.append((outcome, data))
        except Exception as error:  # noqa: BLE001 - which is what must not be
            outcome = repr(error)
            self.faults.append((outcome, data))
        if data and outcome not in self.outcomes and len(self.pool) < POOL:
            self.pool.append(data)
        self.outcomes[outcome] += 1

    @property
    def kinds(self) -> Counter[str]:
        """Count outcomes by their first word."""
        found: Counter[str] = Counter()
        for outcome, count in self.outcomes.items():
            found[outcome.partition(":")[0]] += count
        return found


def described(picture: Picture) -> str:
    """Check a picture against the limits, and say what it is like."""
    assert 0 < picture.width * picture.height <= LIMITS.max_pixels
    assert picture.format in FORMATS.values()
    shapes = [view.shape for view in picture.views]
    assert shapes[0] in {(224, 224, 3), (28, 28, 1)}
    assert all(max(shape) <= 100 for shape in shapes[1:])
    return f"picture: {picture.format} of {picture.width.bit_length()} x {picture.height.bit_length()} bits"


def fault_of(problem: ImageProblem) -> str | None:
    """Find the fault of ours that a problem hides: one of Python's errors, raised in our own code."""
    error = problem.__context__
    while error is not None:
        frames = traceback.extract_tb(error.__traceback__)
        if isinstance(error, FAULTS) and frames and Path(frames[-1].filename).is_relative_to(OURS):
            return "".join(traceback.format_exception(error))
        error = error.__context__
    return None


def memory_of_decoders() -> float:
    """Add up what this process's decode processes have, in MiB."""
    found = 0
    for child in psutil.Process().children():
        try:
            if "vision.decode.decoder" in child.cmdline():
                found += child.memory_info().rss
        except psutil.Error:  # it was replaced
            continue
    return found / 2**20
