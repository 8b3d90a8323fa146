"""Keys kept out of the log, wherever a client has put them: into an address, for instance."""

from __future__ import annotations

import logging

from app.access.keys import masked


class Redacting(logging.Formatter):
    """Writes what another formatter writes, without the keys in it, tracebacks included."""

    def __init__(self, inner: logging.Formatter) -> None:
        super().__init__()
        self._inner = inner

    def format(self, record: logging.LogRecord) -> str:
        """Write a record."""
        return masked(self._inner.format(record))
