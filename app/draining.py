"""The word that the process is about to end, from the signal on: streams end at once, and readiness with them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


class Draining:
    """Calls everybody who asked to be told, once."""

    def __init__(self) -> None:
        self.begun = False
        self._told: list[Callable[[], object]] = []

    def tell(self, callback: Callable[[], object]) -> None:
        """Ask to be called when it begins."""
        self._told.append(callback)

    def begin(self) -> None:
        """Begin; called in the event loop's thread, by the signal's handler."""
        if not self.begun:
            self.begun = True
            for callback in self._told:
                callback()
