"""Graceful shutdown: first the service is no longer ready, then event streams and waiting requests end.

A module of its own, since the application makes it, the routes and the metrics read it, and the server starts it.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from app.inference.classifier import Classifier

log = logging.getLogger(__name__)


class Draining:
    """The state of a shutdown; `begin` runs the callbacks, once.

    Between `announce` and `begin` requests are still taken, from load balancers that have not noticed yet.
    """

    def __init__(self) -> None:
        self.announced = False
        self.begun = False
        self._callbacks: list[Callable[[], object]] = []

    def on_begin(self, callback: Callable[[], object]) -> None:
        """Add a callback, which `begin` runs."""
        self._callbacks.append(callback)

    def takes_requests(self, classifier: Classifier) -> bool:
        """Return whether the service is ready: `/readyz` and the metric `bestguess_ready` both ask this."""
        return classifier.networks.ready and not classifier.broken and not self.announced

    def announce(self) -> None:
        """Stop being ready."""
        self.announced = True

    def begin(self) -> None:
        """Run the callbacks; called in the event loop's thread, by the signal's handler."""
        self.announce()
        if not self.begun:
            self.begun = True
            for callback in self._callbacks:
                try:
                    callback()
                except Exception:  # the others run, and the process ends, all the same
                    log.exception("something did not end as it should")
