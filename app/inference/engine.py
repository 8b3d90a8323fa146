"""The loaded networks, and who answers for whom."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.errors import NotFound, NotReady
from app.inference.served import Served
from vision.networks import LITE0, VGG16

if TYPE_CHECKING:
    from app.settings import Settings
    from vision.networks import Network

RETRY_LOADING = 5  # seconds; loading takes about ten


@dataclass(frozen=True, slots=True)
class Choice:
    """The network that answers a request; where it stands in for another, for which and why."""

    served: Served
    stand_in_for: str | None = None
    reason: str | None = None


class Engine:
    """VGG16, and EfficientNet-Lite0 that answers in its place until it can, unless other networks are given."""

    def __init__(self, settings: Settings, primary: Network = VGG16, stand_in: Network = LITE0) -> None:
        self.primary = self._served(primary, settings)
        self.stand_in = self._served(stand_in, settings) if settings.stand_in else None
        self.networks = {served.network.id: served for served in (self.primary, self.stand_in) if served}
        self.primary_is_coming = False

    @staticmethod
    def _served(network: Network, settings: Settings) -> Served:
        return Served(network, capacity=settings.queue_size, precision=settings.precision)

    @property
    def ready(self) -> bool:
        """Whether images are classified as well as they will be for now.

        The stand-in alone is enough, unless VGG16's weights were there at the start: it is worth the few seconds then.
        """
        stand_in = self.stand_in is not None and self.stand_in.ready
        return self.primary.ready or (stand_in and not self.primary_is_coming)

    def find(self, model: str) -> Served:
        """Look a network up by its id.

        Raises:
            NotFound: there is none of this name.
        """
        if model not in self.networks:
            known = ", ".join(self.networks)
            raise NotFound(f"There is no model '{model[:80]}'. The models are: {known}.")
        return self.networks[model]

    def choose(self, model: str | None) -> Choice:
        """Say who answers: the one insisted on, else VGG16, else its stand-in.

        Raises:
            NotFound: there is no model of this name.
            NotReady: it is there, but not loaded yet.
        """
        wanted = self.find(model) if model else self.primary
        if wanted.ready:
            return Choice(wanted)
        if model is None and self.stand_in and self.stand_in.ready:
            return Choice(self.stand_in, wanted.network.id, wanted.report.detail)
        raise NotReady(self.explain(wanted), retry_after=RETRY_LOADING)

    def explain(self, served: Served) -> str:
        """Say how far a network is, what stands in its way, and what to do."""
        return " ".join(filter(None, (served.report.detail, served.report.trouble, served.report.action)))

    def close(self) -> None:
        """Fail what waits, in every queue."""
        for served in self.networks.values():
            served.close()
