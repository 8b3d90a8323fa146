"""A call that may hang, given up after a time."""

from __future__ import annotations

import threading
from concurrent.futures import Future
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

Answer = TypeVar("Answer")


def within(seconds: float, call: Callable[[], Answer]) -> Answer:
    """Make a call in a thread of its own and return its answer; one that hangs is left to itself, and holds no exit.

    Raises:
        TimeoutError: it has not ended after so many seconds. Whatever the call raises.
    """
    return aside(call).result(seconds)


def aside(call: Callable[[], Answer]) -> Future[Answer]:
    """Start a call in a daemon thread, and return the future of its answer."""
    future: Future[Answer] = Future()

    def run() -> None:
        try:
            future.set_result(call())
        except BaseException as error:  # noqa: BLE001 - raised again where it is waited for
            future.set_exception(error)

    threading.Thread(target=run, name="within", daemon=True).start()
    return future
