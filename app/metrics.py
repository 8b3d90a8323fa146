"""Metrics for Prometheus.

Some are counted in this process as things happen, some are read from the service's parts at a scrape, and those of jobs
and workers are read from Redis. The last are the same in each replica: take their maximum, not their sum.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from importlib.metadata import version
from typing import TYPE_CHECKING

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    Info,
    PlatformCollector,
    ProcessCollector,
    disable_created_metrics,
)
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, InfoMetricFamily
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from app.errors import DeadlinePassed, Overloaded
from app.inference.batcher import Batcher
from app.inference.model_cache import LABEL
from jobs import damage, figures
from jobs.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from http import HTTPStatus

    from prometheus_client.core import Metric

    from app.draining import Draining
    from app.inference.classifier import Classifier
    from app.inference.model_slot import ModelSlot
    from app.services.jobs import JobService
    from jobs.figures import Figures, Times


log = logging.getLogger(__name__)

FIGURES_SECONDS = 0.5  # for Redis, which takes a millisecond when all is well; Prometheus itself waits ten seconds
# Bounds of histograms, in seconds. Decoding takes 2 to 20 ms and may take 10 s; a network 1 ms (a digit on a GPU) to
# 10 s (a batch of 32 by two cores); a queue from nothing to the deadline of 30 s.
REQUEST = (0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
WORK = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
WAIT = (0.0005, *WORK, 30)
SIZES = (1, 2, 4, 8, 16, 32, 64, 128)  # images in a batch


class Metrics:
    """The counters and histograms of one service; several services in one process share nothing."""

    def __init__(self) -> None:
        # Else there were twice the series, for times that nobody looks at.
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self.registry = registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        PlatformCollector(registry=registry)
        Info("bestguess_build", "What runs here.", registry=registry).info({"version": version("bestguess")})

        self._requests = Counter(
            "bestguess_http_requests",
            "Requests that are over, by the template of their route and the status of their answer.",
            ("method", "route", "status"),
            registry=registry,
        )
        self._durations = Histogram(
            "bestguess_http_request_duration_seconds",
            "From a request's head to the first byte of its answer.",
            ("method", "route"),
            buckets=REQUEST,
            registry=registry,
        )
        self.requests_in_progress = Gauge(
            "bestguess_http_requests_in_progress", "Requests in hand, event streams among them.", registry=registry
        )
        refusals = "Requests, and files of a batch, that were answered with an error, by its problem type."
        self._refusals = Counter("bestguess_refusals", refusals, ("reason",), registry=registry)
        connections = "Connections closed because of what came before a request could be read, by status."
        self._connections = Counter("bestguess_connections_refused", connections, ("status",), registry=registry)

        self._decode = Histogram(
            "bestguess_decode_seconds", "An image's way through a decode process.", buckets=WORK, registry=registry
        )
        waits = "An image's wait for its batch to begin."
        self._queue = Histogram("bestguess_queue_seconds", waits, ("model",), buckets=WAIT, registry=registry)
        runs = "The run of the batch that an image was in; its count is that of images."
        self._inference = Histogram("bestguess_inference_seconds", runs, ("model",), buckets=WORK, registry=registry)
        self._batches = Histogram(
            "bestguess_batch_size", "Images in a batch.", ("model",), buckets=SIZES, registry=registry
        )
        self._begin_at_zero()

    def _begin_at_zero(self) -> None:
        """Show what alerts wait for before it happens: Prometheus sees no increase in a first value that is 1."""
        for reason in (Overloaded.slug, DeadlinePassed.slug):
            self._refusals.labels(reason)
        for status in (400, 408, 431):
            self._connections.labels(str(status))

    def watch(self, collector: Collector) -> None:
        """Add a collector, which is asked at each scrape."""
        self.registry.register(collector)

    def count_request(
        self, method: str, route: str, status: int, first_byte: float | None, problems: Iterable[str]
    ) -> None:
        """Count a request that is over, the seconds to its first byte, and what it or files of it were refused for."""
        self._requests.labels(method, route, str(status)).inc()
        if first_byte is not None:
            self._durations.labels(method, route).observe(first_byte)
        for problem in problems:
            self._refusals.labels(problem).inc()

    def observe_images(self, images: Iterable[tuple[ModelSlot, Mapping[str, float]]]) -> None:
        """Add images that were answered: by whom, and the seconds of each stage."""
        for slot, stages in images:
            self._decode.observe(stages["decode"])
            self._queue.labels(slot.label).observe(stages["queue"])
            self._inference.labels(slot.label).observe(stages["inference"])

    def count_refused_connection(self, status: HTTPStatus) -> None:
        """Count a connection that was closed before there was a request."""
        self._connections.labels(str(status.value)).inc()

    def observe_batch(self, model: str, size: int) -> None:
        """Add the size of a batch; called in the thread that runs it."""
        self._batches.labels(model).observe(size)


@dataclass(frozen=True, slots=True)
class ServiceCollector(Collector):
    """Reads gauges from the service's parts at a scrape; takes microseconds and blocks nobody."""

    classifier: Classifier
    jobs: JobService | None
    draining: Draining

    def collect(self) -> Iterator[Metric]:
        """Yield them all."""
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


async def job_metrics(service: JobService | None) -> list[Metric]:
    """Read the metrics of jobs and workers from Redis; where it does not answer soon, only that."""
    found = await _read_figures(service) if service else None
    up = GaugeMetricFamily("bestguess_redis_up", "Whether Redis told the figures of jobs in time.", found is not None)
    return [up, *(_job_families(found) if found else ())]


async def _read_figures(service: JobService) -> Figures | None:
    try:
        async with asyncio.timeout(FIGURES_SECONDS):
            return await service.store.run(figures.read())
    except (StoreError, TimeoutError) as error:
        log.debug("no figures of jobs: %s", str(error) or "Redis is silent")
        return None


def _job_families(found: Figures) -> Iterator[Metric]:
    jobs = GaugeMetricFamily("bestguess_jobs", "Jobs on record, by status.", labels=["status"])
    for status, count in found.jobs.items():
        jobs.add_metric([status], count)
    yield jobs
    finished = CounterMetricFamily("bestguess_jobs_finished", "Jobs that ended.", labels=["kind", "status"])
    for labels, count in found.finished.items():
        finished.add_metric(labels, count)
    yield finished
    yield CounterMetricFamily("bestguess_jobs_retried", "Jobs that went back into the queue.", found.retried)
    yield GaugeMetricFamily(
        "bestguess_jobs_oldest_queued_seconds",
        "The longest wait of those in the queue now.",
        found.oldest_queued_seconds,
    )
    yield _histogram("bestguess_job_queue_seconds", "A job's wait in the queue, for each attempt.", found.waited)
    yield _histogram("bestguess_job_duration_seconds", "From a job's first start to its end.", found.taken)
    yield GaugeMetricFamily("bestguess_workers", "Workers that live.", found.workers)
    yield CounterMetricFamily("bestguess_training_images", "Images that trainings learned from.", found.images)
    yield GaugeMetricFamily(
        "bestguess_training_images_per_second", "The pace of all trainings of this moment.", found.images_per_second
    )
    yield GaugeMetricFamily("bestguess_trained_models", "Trained networks on record.", found.models)
    yield GaugeMetricFamily("bestguess_datasets", "Data sets of people's own photographs on record.", found.datasets)


def _histogram(name: str, meaning: str, times: Times) -> Metric:
    return HistogramMetricFamily(name, meaning, buckets=list(times.buckets), sum_value=times.seconds)


@dataclass(frozen=True, slots=True)
class _Both(Collector):
    here: CollectorRegistry
    shared: Sequence[Metric]

    def collect(self) -> Iterator[Metric]:
        yield from self.here.collect()
        yield from self.shared


def exposition(here: CollectorRegistry, shared: Sequence[Metric], accept: str) -> tuple[bytes, str]:
    """Return the answer to a scrape, in Prometheus's text or OpenMetrics as `accept` asks for, and its media type."""
    encode, media_type = choose_encoder(accept)
    return encode(_Both(here, shared)), media_type
