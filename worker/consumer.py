"""Celery's consumer, for a Redis that answers errors instead of messages."""

from __future__ import annotations

import time
from functools import partial
from typing import Any

from celery.worker.consumer import Consumer
from kombu.common import ignore_errors

PAUSE_SECONDS = 1.0
LONGEST_PAUSE_SECONDS = 5.0  # kombu's grows to 30 s, for which jobs would wait after Redis is back


class PatientConsumer(Consumer):  # type: ignore[misc]  # Celery has no types
    """A consumer that goes on after any error of Redis, without haste and without leaving connections behind."""

    def connect(self) -> Any:  # noqa: ANN401 - kombu has no types
        """Connect, after a pause where that follows an error.

        Where Redis takes a connection and refuses what follows (OOM, READONLY), Celery by itself pauses after every
        fifth attempt only, and keeps all connections: an exit handler of kombu's knows each that is not closed.
        """
        if self.restart_count:
            time.sleep(PAUSE_SECONDS)
        connection = self.connection_for_read(heartbeat=self.amqheartbeat)
        try:
            if self.hub:
                connection.transport.register_with_event_loop(connection.connection, self.hub)
        except Exception:
            ignore_errors(connection, connection.close)  # type: ignore[no-untyped-call]
            raise
        return connection

    def ensure_connected(self, conn: Any) -> Any:  # noqa: ANN401
        """Try again and again until Redis takes the connection."""
        again = {"interval_start": PAUSE_SECONDS, "interval_max": LONGEST_PAUSE_SECONDS}
        conn.ensure_connection = partial(conn.ensure_connection, **again)
        return super().ensure_connected(conn)
