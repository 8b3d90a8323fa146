"""What all replicas tell alike, because it is one: the jobs and the workers, as Redis knows them.

Whoever adds these up over replicas counts twice: take the maximum.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily

from jobs import figures
from jobs.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from prometheus_client.core import Metric

    from app.services.jobs import JobService
    from jobs.figures import Figures, Times

log = logging.getLogger(__name__)

PATIENCE = 0.5  # seconds; a Redis that is well takes a millisecond, and Prometheus itself waits ten seconds


async def shared(service: JobService | None) -> list[Metric]:
    """Ask Redis, but not for long; where it does not answer, all there is to tell is that."""
    found = await _read(service) if service else None
    up = GaugeMetricFamily("bestguess_redis_up", "Whether Redis told the figures of jobs in time.", found is not None)
    return [up, *(_families(found) if found else ())]


async def _read(service: JobService) -> Figures | None:
    try:
        async with asyncio.timeout(PATIENCE):
            return await service.store.run(figures.read())
    except (StoreError, TimeoutError) as error:
        log.debug("no figures of jobs: %s", str(error) or "Redis is silent")
        return None


def _families(found: Figures) -> Iterator[Metric]:
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
