"""The loaded networks, and who answers for whom."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.errors import NotFound, NotReady
from app.inference.model_slot import LoadStatus, ModelSlot
from vision.networks.registry import LITE0, NETWORKS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from app.settings import Settings
    from vision.networks.registry import Network

RETRY_LOADING = 5  # seconds; loading takes about ten


@dataclass(frozen=True, slots=True)
class Choice:
    """The network that answers a request; where it stands in for another, for which and why."""

    slot: ModelSlot
    stand_in_for: str | None = None
    reason: str | None = None


class Networks:
    """Every pretrained network: those that are loaded at the start, and those that are when they are first asked.

    The first of BESTGUESS_MODELS answers `/classify`, and EfficientNet-Lite0 in its place until it can; both can be
    given, and so can the table that they are from. `coming` has those whose weights were there at the start and that
    are not loaded yet. `on_ask` hears of each question to a network that is not `listed`, and may raise why that cannot
    be loaded.
    """

    def __init__(
        self,
        settings: Settings,
        primary: Network | None = None,
        stand_in: Network = LITE0,
        table: Mapping[str, Network] = NETWORKS,
    ) -> None:
        first, *others = (table[name] for name in settings.listed)
        listed = {network.id: network for network in (primary or first, *others)}
        self.listed = [self._served(network, settings) for network in listed.values()]
        self.primary = self.listed[0]
        self.stand_in: ModelSlot | None = None
        if settings.stand_in and self.primary.network.id != stand_in.id:
            there = (served for served in self.listed if served.network.id == stand_in.id)
            self.stand_in = next(there, None) or self._served(stand_in, settings)
        at_start = dict.fromkeys((*self.listed, *filter(None, (self.stand_in,))))
        self.networks = {served.network.id: served for served in at_start}
        self.on_demand = [
            self._served(network, settings)
            for network in table.values()
            if network.weights and network.id not in self.networks
        ]
        for served in self.on_demand:
            served.status = LoadStatus("waiting", f"{served.network.title} is loaded when it is first asked.")
            self.networks[served.network.id] = served
        self.coming: set[ModelSlot] = set()
        self.on_ask: Callable[[ModelSlot], None] | None = None

    @staticmethod
    def _served(network: Network, settings: Settings) -> ModelSlot:
        return ModelSlot(
            network,
            capacity=settings.queue_size,
            precision=settings.precision,
            linger=settings.batch_wait_seconds,
        )

    @property
    def ready(self) -> bool:
        """Whether images are classified as well as they will be for now.

        The stand-in alone is enough, unless VGG16's weights were there at the start: it is worth the few seconds then.
        So is any other network that is to be loaded at the start.
        """
        stand_in = self.stand_in is not None and self.stand_in.ready
        return (self.primary.ready or stand_in) and all(served.ready for served in self.coming)

    @property
    def in_view(self) -> list[ModelSlot]:
        """Those that are loaded at the start, and those that somebody has asked for since."""
        untouched = [served for served in self.on_demand if served.status.state == "waiting"]
        return [served for served in self.networks.values() if served not in untouched]

    def tell_batches(self, on_batch: Callable[[str, int], None]) -> None:
        """Let somebody hear of each batch: its network's label, and its size."""
        for served in self.networks.values():
            served.on_batch = on_batch

    def find(self, model: str) -> ModelSlot:
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
            NotEnoughMemory: it is loaded only when somebody asks, and there is no room for it.
        """
        wanted = self.find(model) if model else self.primary
        if wanted.ready:
            return Choice(wanted)
        if model is None and self.stand_in and self.stand_in.ready:
            return Choice(self.stand_in, wanted.network.id, wanted.status.detail)
        if wanted in self.on_demand and self.on_ask:
            self.on_ask(wanted)
        raise NotReady(self.explain(wanted), retry_after=RETRY_LOADING)

    def explain(self, served: ModelSlot) -> str:
        """Say how far a network is, what stands in its way, and what to do."""
        return " ".join(filter(None, (served.status.detail, served.status.trouble, served.status.action)))

    def close(self) -> None:
        """Fail what waits, in every queue."""
        for served in self.networks.values():
            served.close()
