"""The word that the process is about to end: first it is no longer ready, then streams and waiting requests end."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from app.inference.classifier import Classifier

log = logging.getLogger(__name__)


class Draining:
    """Calls everybody who asked to be told, once.

    Between `announce` and `begin` requests are still taken, from load balancers that have not noticed yet.
    """

    def __init__(self) -> None:
        self.announced = False
        self.begun = False
        self._told: list[Callable[[], object]] = []

    def tell(self, callback: Callable[[], object]) -> None:
        """Ask to be called when it begins."""
        self._told.append(callback)

    def takes_requests(self, classifier: Classifier) -> bool:
        """Return whether the service is ready: `/readyz` and the metric `bestguess_ready` both ask this."""
        return classifier.networks.ready and not classifier.broken and not self.announced

    def announce(self) -> None:
        """Be no longer ready."""
        self.announced = True

    def begin(self) -> None:
        """Begin; called in the event loop's thread, by the signal's handler."""
        self.announce()
        if not self.begun:
            self.begun = True
            for callback in self._told:
                try:
                    callback()
                except Exception:  # the others are called, and the process ends, all the same
                    log.exception("something did not end as it should")
