"""A transport for Celery that passes over what is no message, where kombu's own ends the worker."""

from __future__ import annotations

import logging
from queue import Empty
from typing import Any

from kombu.transport import TRANSPORT_ALIASES, redis

log = logging.getLogger(__name__)


class Channel(redis.Channel):
    """Reads messages from the lists in Redis."""

    def _brpop_read(self, **options: Any) -> Any:  # noqa: ANN401 - as kombu's
        try:
            return super()._brpop_read(**options)  # type: ignore[no-untyped-call]
        except (ValueError, TypeError, LookupError, AttributeError, RecursionError):
            log.exception("something in the queue is no message, and is passed over")
            raise Empty from None


class Transport(redis.Transport):
    """Redis, with such channels."""

    Channel = Channel


def use() -> None:
    """Have Celery use this transport in this process, for every URL of a Redis."""
    for name in ("redis", "rediss"):
        TRANSPORT_ALIASES[name] = f"{__name__}:Transport"
