"""Where jobs are handed in: the store, the feed of their events, and the queue; or the word that there is no Redis."""

from __future__ import annotations

import asyncio
import logging
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.errors import NotReady
from jobs.async_registry import AsyncRegistry
from jobs.async_store import AsyncJobStore
from jobs.connection import connect_async
from jobs.errors import StoreUnavailable
from jobs.feed import EventFeed
from jobs.ids import new_job_id
from jobs.queue import celery_app, publish

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from celery import Celery

    from app.settings import Settings
    from bestguess.schemas.base import Frozen
    from bestguess.schemas.jobs import Job
    from jobs.records import Origin

log = logging.getLogger(__name__)

RETRY_REDIS = 5  # seconds
TROUBLE_SECONDS = 1.0  # a balancer that asks whether we are ready waits no longer than a few
PUBLISH_SECONDS = 2  # with what the record takes, a hung Redis is told of within five seconds


@dataclass(frozen=True, slots=True)
class JobService:
    """Everything that a job's route needs."""

    store: AsyncJobStore
    registry: AsyncRegistry
    feed: EventFeed
    queue: Celery

    async def submit(  # noqa: PLR0913, PLR0917 - what is asked, by whom, and within what bounds
        self,
        kind: str,
        params: Frozen,
        idempotency: tuple[str, str] | None,
        owner: str,
        settings: Settings,
        origin: Origin | None = None,
        dataset: tuple[str, int] | None = None,
    ) -> Job:
        """Record a job, then tell the workers; the record alone is enough, for they look for what they were not told.

        Raises:
            QueueFull, QuotaReached, IdempotencyConflict, DatasetNotFound, DatasetChanged, StoreUnavailable: as the
                store.
        """
        job_id = new_job_id()
        job = await self.store.create(
            kind,
            params.model_dump(mode="json"),
            job_id=job_id,
            idempotency=idempotency,
            most_queued=settings.max_queued_jobs,
            owner=owner,
            quota=settings.max_jobs_per_owner,
            origin=origin,
            dataset=dataset,
        )
        if job.id == job_id:
            await self._publish(kind, job_id)
        return job

    async def _publish(self, kind: str, job_id: str) -> None:
        try:
            await asyncio.to_thread(publish, self.queue, kind, job_id)
        except StoreUnavailable as error:
            log.warning("job %s could not be published, and will be found: %s", job_id, error)

    async def trouble(self) -> str | None:
        """Say why jobs have to wait, or None where Redis takes them."""
        try:
            async with asyncio.timeout(TROUBLE_SECONDS):
                await self.store.ready()
        except TimeoutError:
            return f"Redis does not answer: it has been silent for {TROUBLE_SECONDS:g} s"
        except StoreUnavailable as error:
            return f"Redis cannot be used: {error}"
        return None


class NoDesk:
    """What stands in the desk's place where no Redis was named."""

    detail = "Jobs need Redis, and this service was started without. Set BESTGUESS_REDIS_URL, or use `bestguess up`."

    async def trouble(self) -> str | None:
        """Say why there are no jobs."""
        return self.detail

    def refuse(self) -> NotReady:
        """Make the answer for every route of jobs."""
        return NotReady(self.detail, retry_after=RETRY_REDIS)


@asynccontextmanager
async def open_job_service(redis_url: str | None) -> AsyncIterator[JobService | NoDesk]:
    """Open the desk; nothing is asked of Redis yet, so that it may be away."""
    if redis_url is None:
        yield NoDesk()
        return
    async with AsyncJobStore(connect_async(redis_url)) as store, EventFeed(store) as feed:
        yield JobService(store, AsyncRegistry(store), feed, celery_app(redis_url, timeout_seconds=PUBLISH_SECONDS))
