"""The log: one line of JSON for each record, or one for a person at a terminal; the same in every process.

Everything here, uvicorn and Celery log by the standard library, which lacks one thing only: JSON. Of the two well-kept
ways, python-json-logger is just that, a formatter. structlog would bring a second way to log beside the first.
"""

from __future__ import annotations

import logging
import sys
from typing import TYPE_CHECKING, Literal

from pythonjsonlogger.core import RESERVED_ATTRS
from pythonjsonlogger.json import JsonFormatter

from jobs.telemetry.context import KNOWN
from jobs.telemetry.masking import masked

if TYPE_CHECKING:
    from typing import TextIO

Form = Literal["auto", "json", "console"]

_STANDARD = frozenset(RESERVED_ATTRS) | {"taskName", "color_message"}  # uvicorn's second text is the first in colours
# What says a line for each of its own steps, which nobody asked for.
_CHATTY = ("httpx", "celery.worker.strategy", "aiobotocore", "botocore")


class JsonLines(JsonFormatter):
    """A record as one line of JSON: time, level, logger, message, and whatever else is known."""

    def __init__(self) -> None:
        super().__init__(
            "%(levelname)s %(name)s %(message)s",
            rename_fields={"levelname": "level", "name": "logger", "exc_info": "exception"},
            reserved_attrs=sorted(_STANDARD),
            timestamp="time",
            json_ensure_ascii=False,
        )

    def format(self, record: logging.LogRecord) -> str:
        """Write it down, without secrets."""
        return masked(super().format(record))


class PlainLines(logging.Formatter):
    """A record as text, without secrets."""

    def format(self, record: logging.LogRecord) -> str:
        """Write it down, without secrets."""
        return masked(super().format(record))


class ConsoleLines(PlainLines):
    """A record for a person: the facts that are known come after the message, but for those that it has."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)-7s %(name)s: %(message)s", "%H:%M:%S")

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - the standard library's name
        """Write the first line."""
        said = {*record.message.split(), "None"}
        facts = {name: str(fact) for name, fact in vars(record).items() if name not in _STANDARD}
        told = " ".join(f"{name}={fact}" for name, fact in facts.items() if fact not in said)
        return super().formatMessage(record) + (f"  {told}" if told else "")


def set_up(level: str, form: Form, stream: TextIO | None = None) -> None:
    """Send every record of this level and above to standard error, or to `stream`; replaces what was set up before."""
    logging.basicConfig(level=level.upper(), handlers=[handler_of(form, stream or sys.stderr)], force=True)
    for name in _CHATTY:
        logging.getLogger(name).setLevel(logging.WARNING)


def handler_of(form: Form, stream: TextIO) -> logging.Handler:
    """Make what writes lines of a form to a stream."""
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonLines() if is_json(form, stream) else ConsoleLines())
    handler.addFilter(_with_facts)
    return handler


def is_json(form: Form, stream: TextIO) -> bool:
    """Return whether lines are JSON: where that is left to us, unless they go to a terminal."""
    return form == "json" or (form == "auto" and not stream.isatty())


def _with_facts(record: logging.LogRecord) -> bool:
    for name, fact in KNOWN.get().items():
        if not hasattr(record, name):
            setattr(record, name, fact)
    return True
