"""Many pictures, several at a time, told in the order in which they were named; one that fails stops no other."""

from __future__ import annotations

from collections import deque
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from concurrent.futures import Future

    from bestguess.schemas import Classification

AHEAD = 4  # pictures for each that is asked about at this moment: enough to keep all busy, few enough to forget


@dataclass(frozen=True, slots=True)
class Told:
    """One picture, and its answer or what is wrong with it."""

    name: str
    answer: Classification | None = None
    error: Exception | None = None


@contextmanager
def swept(names: Iterable[str], ask: Callable[[str], Classification], at_once: int) -> Iterator[Iterator[Told]]:
    """Ask about each picture, `at_once` at a time; whoever leaves early is not kept waiting for the rest."""
    pool = ThreadPoolExecutor(at_once)
    try:
        yield _in_order(names, ask, pool, at_once * AHEAD)
    finally:
        pool.shutdown(cancel_futures=True)


def told(name: str, ask: Callable[[str], Classification]) -> Told:
    """Ask about one picture.

    Raises:
        ServiceUnreachable: nothing answers, which no other picture would change.
    """
    from bestguess.client import BestGuessError, ServiceUnreachable

    try:
        return Told(name, answer=ask(name))
    except ServiceUnreachable as error:
        if not error.sent:
            raise
        return Told(name, error=error)
    except (BestGuessError, OSError, ValueError) as error:  # ValueError: a zero byte in the name
        return Told(name, error=error)


def _in_order(
    names: Iterable[str], ask: Callable[[str], Classification], pool: ThreadPoolExecutor, ahead: int
) -> Iterator[Told]:
    asked: deque[Future[Told]] = deque()
    for name in names:
        asked.append(pool.submit(told, name, ask))
        if len(asked) >= ahead:
            yield asked.popleft().result()
    while asked:
        yield asked.popleft().result()
