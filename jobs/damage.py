"""Damaged records: each is logged once by a process, and counted for as long as it is met again."""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter, OrderedDict
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError
from pydantic_core import from_json

from jobs.errors import RecordDamaged

if TYPE_CHECKING:
    from collections.abc import Iterator

log = logging.getLogger(__name__)

RECORDS = ("job", "event", "model", "dataset", "message", "key")
KEPT_SECONDS = 3600.0  # a record that was not met for so long was repaired or removed
MOST = 10_000  # records that are remembered; further ones are not logged, for each would be again and again
_SHOWN = 200  # characters of a reason, which may quote what is stored

_met: OrderedDict[tuple[str, str], float] = OrderedDict()  # when each was met last, the longest ago first
_lock = threading.Lock()


def damaged(record: str, name: str, reason: str) -> RecordDamaged:
    """Log and count a damaged record unless that was done before; return the error for whoever asked for it."""
    now, key = time.monotonic(), (record, name)
    with _lock:
        _forget_old(now)
        known, room = key in _met, len(_met) < MOST
        if known or room:
            _met[key] = now
            _met.move_to_end(key)
    if room and not known:
        log.error("%s %s is damaged and is passed over: %s", record, name[:100], reason[:_SHOWN])
    return RecordDamaged(record, name, reason[:_SHOWN])


def counts() -> dict[str, int]:
    """Count the damaged records that were met within the last hour, by what they are records of."""
    with _lock:
        _forget_old(time.monotonic())
        return dict.fromkeys(RECORDS, 0) | Counter(record for record, _ in _met)


def mended(record: str, name: str) -> None:
    """Forget a damaged record that was removed."""
    with _lock:
        _met.pop((record, name), None)


@contextmanager
def reading(record: str, name: str) -> Iterator[None]:
    """Raise RecordDamaged for whatever the block meets in a record that it cannot read."""
    try:
        yield
    except (LookupError, TypeError, ValueError, AttributeError, OverflowError, RecursionError) as error:
        raise damaged(record, name, _reason(error)) from error


def json_object(text: str) -> dict[str, Any]:
    """Read a JSON object.

    Raises:
        ValueError: it is none, or has something in it that could not be written as JSON again.
    """
    value = from_json(text, allow_inf_nan=False)
    if not isinstance(value, dict):
        raise ValueError("a JSON object is expected")  # noqa: TRY004 - damage is a ValueError here
    return value


def _forget_old(now: float) -> None:
    while _met and now - next(iter(_met.values())) > KEPT_SECONDS:
        _met.popitem(last=False)


def _reason(error: Exception) -> str:
    if isinstance(error, ValidationError):
        first = error.errors(include_input=False, include_url=False)[0]
        return f"{'.'.join(map(str, first['loc'])) or 'it'}: {first['msg']}"
    if isinstance(error, KeyError):
        return f"it has no {error}"
    return " ".join(str(error).split()) or type(error).__name__
