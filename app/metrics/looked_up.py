"""What is looked up when Prometheus asks: how full the queues are, which networks answer, whether all is well."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from prometheus_client.core import GaugeMetricFamily, InfoMetricFamily
from prometheus_client.registry import Collector

from app.inference.batcher import Batcher
from app.inference.model_cache import LABEL
from jobs import damage

if TYPE_CHECKING:
    from collections.abc import Iterator

    from prometheus_client.core import Metric

    from app.draining import Draining
    from app.inference.classifier import Classifier
    from app.inference.model_slot import ModelSlot
    from app.services.jobs import JobService


@dataclass(frozen=True, slots=True)
class LookedUp(Collector):
    """Reads public figures of the service's parts; takes microseconds and blocks nobody."""

    classifier: Classifier
    jobs: JobService | None
    draining: Draining

    def collect(self) -> Iterator[Metric]:
        """Read them all."""
        yield from self._queues()
        yield from self._networks()
        ready = self.draining.takes_requests(self.classifier)
        yield GaugeMetricFamily("bestguess_ready", "Whether images are classified.", ready)
        viewers = self.jobs.feed.viewers if self.jobs else 0
        yield GaugeMetricFamily("bestguess_event_streams", "Followers of jobs over this replica.", viewers)
        damaged = GaugeMetricFamily(
            "bestguess_damaged_records",
            "Stored records that this replica could not read within the last hour.",
            labels=["record"],
        )
        for record, count in damage.counts().items():
            damaged.add_metric([record], count)
        yield damaged

    def _queues(self) -> Iterator[Metric]:
        depth = GaugeMetricFamily("bestguess_queue_depth", "Images that wait for their batch.", labels=["model"])
        capacity = GaugeMetricFamily("bestguess_queue_capacity", "Images that may wait.", labels=["model"])
        waiting: dict[str, list[tuple[int, int]]] = {}
        for slot in self._loaded():
            if isinstance(slot.batcher, Batcher):  # a fine-tuned model has that of its base
                waiting.setdefault(slot.label, []).append((slot.batcher.depth, slot.batcher.capacity))
        for model, queues in waiting.items():
            depth.add_metric([model], sum(deep for deep, _ in queues))
            capacity.add_metric([model], sum(most for _, most in queues))
        yield depth
        yield capacity
        in_hand = GaugeMetricFamily(
            "bestguess_images_in_hand", "Images from their acceptance to their answer.", labels=["networks"]
        )
        in_hand.add_metric(["pretrained"], self.classifier.in_hand(trained=False))
        in_hand.add_metric([LABEL], self.classifier.in_hand(trained=True))
        yield in_hand
        most = "Images that may be in hand for pretrained networks, and as many for trained ones; more are refused."
        yield GaugeMetricFamily("bestguess_images_in_hand_limit", most, self.classifier.most)
        yield GaugeMetricFamily("bestguess_bodies_reading", "Bodies being read.", self.classifier.bodies.count)

    def _networks(self) -> Iterator[Metric]:
        info = InfoMetricFamily(
            "bestguess_model",
            "The networks that answer, in which number format, where and with which weights.",
            labels=["model"],
        )
        ready = GaugeMetricFamily("bestguess_model_ready", "Whether a pretrained network answers.", labels=["model"])
        for slot in self.classifier.networks.in_view:
            ready.add_metric([slot.network.id], slot.ready)
            if slot.hardware and slot.weights:
                facts = {
                    "precision": slot.hardware.precision,
                    "device": slot.hardware.device,
                    "weights": slot.weights.origin,
                }
                info.add_metric([slot.network.id], facts)
        yield info
        yield ready
        loaded = len(self.classifier.trained.in_memory)
        yield GaugeMetricFamily("bestguess_trained_models_in_memory", "Trained networks in memory.", loaded)

    def _loaded(self) -> list[ModelSlot]:
        return [*self.classifier.networks.slots.values(), *self.classifier.trained.in_memory]
