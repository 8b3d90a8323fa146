"""The job record in Redis, which is the only truth: each step of a job's life is one call, one script, one answer.

What a call does is in `transitions` and `scripts/`; here it is only sent, by a blocking client for the worker, and in
`async_store` by an asyncio one for the API. Each may raise StoreUnavailable, within 5 s, and may be repeated after it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from redis.exceptions import NoScriptError

from jobs import transitions
from jobs.connection import translated

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Self

    import redis

    from jobs.model import Claim, Due, EventPage, HistoryEntry, Hold, Job, JobError, JobPage, JobStatus, Progress
    from jobs.transitions import Call

Answer = TypeVar("Answer")
PREFIX = "bestguess:"


class JobStore:
    """Jobs, for one who may block; threads can share it."""

    def __init__(self, client: redis.Redis, prefix: str = PREFIX) -> None:
        self._client, self._prefix = client, prefix

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def create(
        self,
        kind: str,
        params: Mapping[str, Any],
        *,
        job_id: str,
        idempotency: tuple[str, str] | None = None,
        most_queued: int,
    ) -> Job:
        """Queue a job; a key and body digest, or an id, that was used in the last 24 hours gives the job it made.

        Raises:
            QueueFull: `most_queued` jobs wait already.
            IdempotencyConflict: the key was used with another digest.
        """
        return self._run(transitions.create(kind, params, job_id, idempotency, most_queued))

    def claim(self, job_id: str, owner: str, lease_seconds: float) -> Claim | None:
        """Take a queued job, or a running one whose lease ran out; None if it is not to be had.

        `owner` is a token made anew for each delivery: asking again with it gives the same claim.
        """
        return self._run(transitions.claim(job_id, owner, lease_seconds))

    def hold(self, job_id: str) -> Hold | None:
        """See who has a job; None if nobody has."""
        return self._run(transitions.hold(job_id))

    def renew(self, job_id: str, fence: int, lease_seconds: float) -> JobStatus:
        """Keep the job for so many seconds from now; says whether it is still `running`, or `cancelling`.

        Raises:
            LeaseLost: it is another's now.
        """
        return self._run(transitions.renew(job_id, fence, lease_seconds))

    def report(self, job_id: str, fence: int, progress: Progress, entry: HistoryEntry | None = None) -> JobStatus:
        """Record progress, and an entry of the history; says whether the job is still `running`, or `cancelling`.

        What lies before the last recorded step is passed over: a resumed training repeats some steps, its record none.

        Raises:
            LeaseLost: it is another's now.
        """
        return self._run(transitions.report(job_id, fence, progress, entry))

    def finish(
        self,
        job_id: str,
        fence: int,
        status: JobStatus,
        result: Mapping[str, Any] | None = None,
        error: JobError | None = None,
    ) -> Job:
        """End the job, and return it: as `cancelled`, without a result, if a cancel was asked for before.

        Raises:
            LeaseLost: it is another's now.
        """
        return self._run(transitions.finish(job_id, fence, status, result, error))

    def release(self, job_id: str, fence: int) -> JobStatus:
        """Give a running job back to the queue, which counts as no crash; a cancelling one becomes `cancelled`.

        Raises:
            LeaseLost: it is another's now.
        """
        return self._run(transitions.release(job_id, fence))

    def cancel(self, job_id: str) -> Job:
        """Ask for the end of a job: a queued one is `cancelled` at once, a running one `cancelling`.

        Raises:
            JobNotFound: there is none.
            AlreadyFinished: it has succeeded or failed.
        """
        return self._run(transitions.cancel(job_id))

    def get(self, job_id: str) -> Job:
        """Read a job with its history, in one round trip.

        Raises:
            JobNotFound: there is none.
        """
        return self._run(transitions.get(job_id))

    def list(self, status: JobStatus | None = None, limit: int = 20, after: str | None = None) -> JobPage:
        """List jobs without their history, newest first, from the one that follows the job `after`."""
        return self._run(transitions.list_jobs(status, limit, after))

    def events(self, job_id: str, after: str | None = None, limit: int = 100) -> EventPage:
        """Read what happened to a job after the event with the id `after`, ascending.

        Raises:
            JobNotFound: there is none.
            InvalidCursor: `after` is no event's id.
        """
        return self._run(transitions.events(job_id, after, limit))

    def counts(self) -> dict[JobStatus, int]:
        """Count the jobs of each status."""
        return self._run(transitions.counts())

    def due(self, seconds: float) -> Due:
        """Find queued jobs that were handed to the queue so many seconds ago, and those whose lease ran out."""
        return self._run(transitions.due(seconds))

    def mark_published(self, job_id: str) -> None:
        """Note that the job was handed to the queue just now; nothing if it is not queued any more."""
        return self._run(transitions.mark_published(job_id))

    def take_back(self, job_id: str) -> Job:
        """Queue a job again whose lease ran out: its third loss fails it, and a cancelling one is `cancelled`.

        Any other is left as it is; look at the status of the answer.

        Raises:
            JobNotFound: there is none.
        """
        return self._run(transitions.take_back(job_id))

    def lock(self, name: str, owner: str, seconds: float) -> bool:
        """Take a lock, or keep it, for so many seconds; False if another owner has it."""
        return self._run(transitions.lock(name, owner, seconds))

    def unlock(self, name: str, owner: str) -> None:
        """Give a lock back; nothing if it is not the owner's."""
        return self._run(transitions.unlock(name, owner))

    def expired(self, older_than: float, limit: int = 100) -> Sequence[Job]:
        """Read jobs, without their history, that finished at least so many seconds ago, the oldest first."""
        return self._run(transitions.expired(older_than, limit))

    def delete(self, job_id: str) -> None:
        """Remove all that is known of a finished job; nothing if there is none.

        Raises:
            NotFinished: it is queued or running.
        """
        return self._run(transitions.delete(job_id))

    def purge(self, older_than: float, remove: Callable[[Job], None], limit: int = 100) -> Sequence[Job]:
        """Remove jobs that finished at least so many seconds ago, each after `remove` has removed its artifacts.

        In this order a crash in between leaves a record that is found again, and never artifacts that nobody knows.
        """
        jobs = self.expired(older_than, limit)
        for job in jobs:
            remove(job)
            self.delete(job.id)
        return jobs

    def _run(self, call: Call[Answer]) -> Answer:
        with translated():
            try:
                reply = self._client.evalsha(call.script.sha, 1, self._prefix, *call.arguments)
            except NoScriptError:  # Redis is new or has forgotten its scripts; EVAL makes it remember
                reply = self._client.eval(call.script.source, 1, self._prefix, *call.arguments)
        return call.parse(reply)
