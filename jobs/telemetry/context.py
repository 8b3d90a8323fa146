"""What is known of the work in hand, and so belongs to each line that is logged meanwhile, whoever logs it."""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar, copy_context
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

# The facts that belong to a line now. Mostly `telling` sets them.
KNOWN: ContextVar[Mapping[str, str]] = ContextVar("known", default={})  # noqa: B039 - never changed, only replaced


@contextmanager
def telling(**facts: str | None) -> Iterator[None]:
    """Add facts to each line of the block, of this task or thread and of those that carry its context."""
    token = KNOWN.set({**KNOWN.get(), **{name: fact for name, fact in facts.items() if fact is not None}})
    try:
        yield
    finally:
        KNOWN.reset(token)


def carried(call: Callable[[], Any]) -> Callable[[], Any]:
    """Make a call that a new thread can run as part of this work: a thread knows nothing of it otherwise."""
    context = copy_context()
    return lambda: context.run(call)
