"""Submission of training jobs: their records in Redis, the feed of their events, and the Celery queue."""

from __future__ import annotations

import asyncio
import hashlib
import logging
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from app.errors import Invalid, NotReady
from jobs.async_registry import AsyncRegistry
from jobs.async_store import AsyncJobStore
from jobs.connection import connect_async
from jobs.errors import StoreUnavailable
from jobs.feed import EventFeed
from jobs.ids import new_job_id
from jobs.queue import celery_app, publish

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from celery import Celery

    from app.settings import Settings
    from bestguess.schemas.base import Frozen
    from bestguess.schemas.jobs import Job
    from jobs.records import Origin

log = logging.getLogger(__name__)

NO_REDIS = "Jobs need Redis, and this service was started without. Set BESTGUESS_REDIS_URL, or use `bestguess up`."
RETRY_REDIS = 5  # seconds
CHECK_SECONDS = 1.0  # a load balancer that polls `/readyz` waits only a few seconds
PUBLISH_SECONDS = 2  # together with writing the record, a hung Redis is reported within five seconds


class CheckedJob(NamedTuple):
    """Parameters that were checked against what is stored, and the id and version of the data set that they need."""

    params: Frozen
    dataset: tuple[str, int]


@dataclass(frozen=True, slots=True)
class JobService:
    """Job records, the registry of trained models, the event feed and the Celery queue. Where there is no Redis, None.

    `max_queued` is the number of jobs that may wait, `max_per_owner` how many of one owner may be unfinished.
    """

    store: AsyncJobStore
    registry: AsyncRegistry
    feed: EventFeed
    queue: Celery
    max_queued: int
    max_per_owner: int

    async def submit(  # noqa: PLR0913 - a job's record has these parts
        self,
        kind: str,
        params: Frozen,
        *,
        owner: str,
        origin: Origin,
        idempotency_key: str | None,
        check: Callable[[], Awaitable[CheckedJob]] | None = None,
    ) -> Job:
        """Check and record a job, then publish it to the workers; or return the job that the key has made before.

        A job that cannot be published stays recorded: the workers also look for recorded jobs.

        Raises:
            Invalid: the key cannot be used, or whatever `check` raises.
            QueueFull, QuotaReached, IdempotencyConflict, DatasetNotFound, DatasetChanged, StoreUnavailable: see
                `AsyncJobStore.create`.
        """
        job_id, idempotency, dataset = new_job_id(), _with_digest(idempotency_key, kind, params), None
        if check:
            # A repeated request gets its job even if what the check looks for has been removed since.
            if idempotency and (made := await self.store.wished(idempotency, owner)):
                return made
            params, dataset = await check()
        job = await self.store.create(
            kind,
            params.model_dump(mode="json"),
            job_id=job_id,
            idempotency=idempotency,
            most_queued=self.max_queued,
            owner=owner,
            quota=self.max_per_owner,
            origin=origin,
            dataset=dataset,
        )
        if job.id == job_id:  # another id: the idempotency key has made this job before
            try:
                await asyncio.to_thread(publish, self.queue, kind, job_id)
            except StoreUnavailable as error:
                log.warning("job %s could not be published; a worker will find its record: %s", job_id, error)
        return job

    async def unavailable_reason(self) -> str | None:
        """Return why Redis takes no jobs at present, or None if it does."""
        try:
            async with asyncio.timeout(CHECK_SECONDS):
                await self.store.ready()
        except TimeoutError:
            return f"Redis does not answer: it has been silent for {CHECK_SECONDS:g} s"
        except StoreUnavailable as error:
            return f"Redis cannot be used: {error}"
        return None


@asynccontextmanager
async def open_job_service(settings: Settings) -> AsyncIterator[JobService | None]:
    """Make the job service, or None if no Redis is configured. Nothing is sent to Redis yet, so it may be down."""
    url = settings.redis_url
    if url is None:
        yield None
        return
    async with AsyncJobStore(connect_async(url)) as store, EventFeed(store) as feed:
        queue = celery_app(url, timeout_seconds=PUBLISH_SECONDS)
        registry = AsyncRegistry(store)
        yield JobService(store, registry, feed, queue, settings.max_queued_jobs, settings.max_jobs_per_owner)


def _with_digest(key: str | None, kind: str, params: Frozen) -> tuple[str, str] | None:
    """Return an idempotency key with the digest of the job that it asks for, defaults included; None without a key."""
    if key is None:
        return None
    if not key.isprintable():
        raise Invalid("header.Idempotency-Key: use printable characters only.")
    return key, hashlib.sha256(f"{kind} {params.model_dump_json()}".encode()).hexdigest()


def require_redis(service: JobService | None) -> JobService:
    """Return the job service.

    Raises:
        NotReady: no Redis is configured.
    """
    if service is None:
        raise NotReady(NO_REDIS, retry_after=RETRY_REDIS)
    return service
