"""Job records in Redis for the API's event loop; the worker's calls are in `store`.

Each call may raise StoreUnavailable, within 5 s, and may be repeated after it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from redis.exceptions import NoScriptError

from jobs import transitions
from jobs.connection import translated
from jobs.errors import NotDamaged, RecordDamaged
from jobs.owners import ANONYMOUS, EVERYBODY
from jobs.store import PREFIX

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Self

    from redis.asyncio import Redis
    from redis.asyncio.client import PubSub

    from bestguess.schemas.jobs import Job, JobStatus
    from jobs.records import EventPage, JobPage, Origin
    from jobs.transitions import Call

Answer = TypeVar("Answer")


class AsyncJobStore:
    """Asyncio client of the job records. With `whose`, jobs of other owners are not found."""

    def __init__(self, client: Redis) -> None:
        self._client = client

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._client.aclose()

    async def create(  # noqa: PLR0913 - a job has so many parts
        self,
        kind: str,
        params: Mapping[str, Any],
        *,
        job_id: str,
        idempotency: tuple[str, str] | None = None,
        most_queued: int,
        owner: str = ANONYMOUS,
        quota: int = 0,
        origin: Origin | None = None,
        dataset: tuple[str, int] | None = None,
    ) -> Job:
        """Queue a job; a key and body digest, or an id, that was used in the last 24 hours gives the job it made.

        `quota`: so many jobs of one owner may be unfinished, 0: any number. `dataset`: the id and version of the data
        set that it learns from, which stays as it is until the job is over.

        Raises:
            QueueFull: `most_queued` jobs wait already.
            QuotaReached: `quota` jobs of this owner are unfinished.
            IdempotencyConflict: the key was used with another digest.
            DatasetNotFound, DatasetChanged: the data set is not there, or of another version by now.
        """
        made = transitions.create(kind, params, job_id, idempotency, most_queued, owner, quota, origin, dataset)
        return await self.run(made)

    async def wished(self, idempotency: tuple[str, str], owner: str = ANONYMOUS) -> Job | None:
        """Read the job that a key and body digest made in the last 24 hours; None if there is none.

        Raises:
            IdempotencyConflict: the key was used with another digest.
        """
        return await self.run(transitions.wished(idempotency, owner))

    async def cancel(self, job_id: str, whose: str = EVERYBODY) -> Job:
        """Ask for the end of a job: a queued one is `cancelled` at once, a running one `cancelling`.

        Raises:
            JobNotFound: there is none.
            AlreadyFinished: it has succeeded or failed.
        """
        return await self.run(transitions.cancel(job_id, whose))

    async def get(self, job_id: str, whose: str = EVERYBODY) -> Job:
        """Read a job with its history, in one round trip.

        Raises:
            JobNotFound: there is none.
        """
        return await self.run(transitions.get(job_id, whose))

    async def known(self, job_id: str, whose: str) -> None:
        """Raise JobNotFound where there is no such job, or it is somebody else's."""
        return await self.run(transitions.known(job_id, whose))

    async def list(
        self, status: JobStatus | None = None, limit: int = 20, after: str | None = None, whose: str = EVERYBODY
    ) -> JobPage:
        """List jobs without their history, newest first, from the one that follows the job `after`.

        Damaged ones are left out; where there are more jobs the page has at least one.
        """
        while True:
            page = await self.run(transitions.list_jobs(status, limit, after, whose))
            if page.jobs or not page.has_more:
                return page
            after = page.last

    async def events(
        self, job_id: str, after: str | None = None, limit: int = 100, whose: str = EVERYBODY
    ) -> EventPage:
        """Read what happened to a job after the event with the id `after`, ascending.

        Raises:
            JobNotFound: there is none.
            InvalidCursor: `after` is no event's id.
        """
        while True:
            page = await self.run(transitions.events(job_id, after, limit, whose))
            if page.events or not page.has_more:
                return page
            after = page.last

    async def ready(self) -> None:
        """Raise StoreUnavailable unless Redis would run what a job needs."""
        await self.run(transitions.ready())

    async def delete_damaged(self, job_id: str, whose: str = EVERYBODY) -> None:
        """Remove all that is known of a damaged job; its files are left to a worker.

        Raises:
            JobNotFound: there is none.
            NotDamaged: its record can be read, or it is not over.
        """
        try:
            return await self.run(transitions.delete_damaged(job_id, whose))
        except NotDamaged:
            try:
                await self.get(job_id, whose)
            except RecordDamaged:  # the script does not look at its result, its error and its history
                return await self.run(transitions.delete_damaged(job_id, whose, unreadable=True))
            raise

    def listen(self) -> PubSub:
        """Make a listening connection, for `channel`; the caller closes it."""
        return self._client.pubsub()

    @property
    def channel(self) -> str:
        """The channel on which each change says the id of its job."""
        return f"{PREFIX}changes"

    async def run(self, call: Call[Answer]) -> Answer:
        """Send a call and return its answer."""
        with translated():
            try:
                reply = await self._client.evalsha(call.script.sha, 1, PREFIX, *call.arguments)
            except NoScriptError:  # Redis is new or has forgotten its scripts; EVAL makes it remember
                reply = await self._client.eval(call.script.source, 1, PREFIX, *call.arguments)
        return call.parse(reply)
