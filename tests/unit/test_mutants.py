"""Broken pictures in their thousands, through the real decode processes."""

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from app.settings import Settings
from support.decode_oracle import DIGIT, LIMITS, VIEWS, Trial, fault_of, memory_of_decoders
from support.fuzz_budget import long, seeds
from support.mutations import mutated
from support.mutations.seeds import seeds as good_files
from vision.decode.images import render
from vision.decode.sandbox import Cost, Sandbox
from vision.errors import ImageProblem

TURN = 2_000 if long() else 400  # mutants after which memory, and a good picture, are looked at
LEAST = 20_000  # in the long form
GROWTH = 24.0  # MiB that two decode processes may have more at the end of a turn than after the first


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    """Start two decode processes as the service has them."""
    settings = Settings()
    cost = Cost(settings.decode_seconds, settings.decode_memory_bytes)
    with contextlib.closing(Sandbox(2, cost, LIMITS)) as made:
        yield made


@pytest.mark.fuzz
def test_mutants_in_the_decode_processes(sandbox: Sandbox, tmp_path: Path) -> None:
    """A broken picture is a picture within the limits or a problem with a name; no process crashes, hangs or grows.

    After all of them each good one is decoded as before.
    """
    trial, tried, first = Trial(sandbox, Random(0)), 0, 0.0
    for seed in seeds():
        trial.random = Random(seed)
        trial.run(TURN)
        tried += TURN
        first = first or memory_of_decoders()
        for number, (outcome, data) in enumerate(trial.faults):
            path = tmp_path / f"{number}.bin"
            path.write_bytes(data)
            pytest.fail(f"{outcome} ({path})")
        assert memory_of_decoders() < first + GROWTH
    for good in good_files():
        assert sandbox.decode(good, VIEWS).result(60).width > 0
    print(tried, "mutants,", len(trial.outcomes), "outcomes:", json.dumps(trial.kinds))  # noqa: T201 - seen with -s
    assert {"picture", "BrokenImage", "NotAnImage", "TooManyPixels"} <= trial.kinds.keys()
    assert tried >= LEAST or not long()


def test_no_fault_of_ours_is_taken_for_a_files() -> None:
    """What is raised for a broken picture comes from the picture: no error of Python's has its origin in our code."""
    random, pool = Random(1), good_files()
    for number in range(300):
        try:
            render(mutated(pool[number % len(pool)], random, pool), VIEWS if number % 2 else DIGIT, LIMITS)
        except ImageProblem as problem:
            found = fault_of(problem)
            if found:
                pytest.fail(found)
