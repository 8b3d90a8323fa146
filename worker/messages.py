"""A transport for Celery that passes over what is no message, where kombu's own ends the worker."""

from __future__ import annotations

import logging
from queue import Empty
from typing import Any

from kombu.transport import TRANSPORT_ALIASES, redis

log = logging.getLogger(__name__)


NO_MESSAGE = (ValueError, TypeError, LookupError, AttributeError, RecursionError)  # what kombu raises for such


class QoS(redis.QoS):
    """Keeps the messages that are not acknowledged, and restores those of workers that died."""

    def tags(self) -> set[str]:
        """Return the tags of the messages that this process was given and has not done with."""
        return set(self._delivered)

    def restore_by_tag(self, tag: str, client: Any = None, leftmost: bool = False) -> None:  # noqa: ANN401 - as kombu's
        """Put a message back into its queue, or drop what is no message, which every worker would meet again."""
        try:
            super().restore_by_tag(tag, client, leftmost)  # type: ignore[no-untyped-call]
        except NO_MESSAGE:
            log.exception("something among the messages without acknowledgement is no message, and is dropped")
            self._remove_from_indices(tag).execute()  # type: ignore[no-untyped-call]


class Channel(redis.Channel):
    """Reads messages from the lists in Redis."""

    QoS = QoS

    def _brpop_read(self, **options: Any) -> Any:  # noqa: ANN401 - as kombu's
        before = self.qos.tags()
        try:
            return super()._brpop_read(**options)  # type: ignore[no-untyped-call]
        except NO_MESSAGE:
            log.exception("something in the queue is no message, and is passed over")
            # What Celery cannot make a task of would count as being worked on, and the worker take no other message.
            for tag in self.qos.tags() - before:
                self.qos.reject(tag)
            raise Empty from None


class Transport(redis.Transport):
    """Redis, with such channels."""

    Channel = Channel


def use() -> None:
    """Have Celery use this transport in this process, for every URL of a Redis."""
    for name in ("redis", "rediss"):
        TRANSPORT_ALIASES[name] = f"{__name__}:Transport"
