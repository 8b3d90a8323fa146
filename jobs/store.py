"""The job record in Redis, which is the only truth: each step of a job's life is one call, one script, one answer.

What a call does is in `transitions` and `scripts/`; here it is only sent, by a blocking client for the worker, and in
`async_store` by an asyncio one for the API. Each may raise StoreUnavailable, within 5 s, and may be repeated after it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from redis.exceptions import NoScriptError

from jobs import registrations, transitions
from jobs.connection import translated
from jobs.owners import EVERYBODY

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Self

    import redis

    from bestguess.schemas.jobs import HistoryEntry, Job, JobError, JobStatus, Progress
    from jobs.records import Claim, Due, Hold, JobPage
    from jobs.transitions import Call

Answer = TypeVar("Answer")
PREFIX = "bestguess:"
BATCH = 100  # jobs that one purge removes at most


class JobStore:
    """Jobs, for one who may block; threads can share it."""

    def __init__(self, client: redis.Redis) -> None:
        self._client = client

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def claim(self, job_id: str, owner: str, lease_seconds: float) -> Claim | None:
        """Take a queued job, or a running one whose lease ran out; None if it is not to be had.

        `owner` is a token made anew for each delivery: asking again with it gives the same claim.
        """
        return self.run(transitions.claim(job_id, owner, lease_seconds))

    def hold(self, job_id: str) -> Hold | None:
        """See who has a job; None if nobody has."""
        return self.run(transitions.hold(job_id))

    def renew(self, job_id: str, fence: int, lease_seconds: float) -> JobStatus:
        """Keep the job for so many seconds from now; says whether it is still `running`, or `cancelling`.

        Raises:
            LeaseLost: it is another's now.
        """
        return self.run(transitions.renew(job_id, fence, lease_seconds))

    def report(self, job_id: str, fence: int, progress: Progress, entry: HistoryEntry | None = None) -> JobStatus:
        """Record progress, and an entry of the history; says whether the job is still `running`, or `cancelling`.

        What lies before the last recorded step is passed over: a resumed training repeats some steps, its record none.

        Raises:
            LeaseLost: it is another's now.
        """
        return self.run(transitions.report(job_id, fence, progress, entry))

    def finish(
        self,
        job_id: str,
        fence: int,
        status: JobStatus,
        result: Mapping[str, Any] | None = None,
        error: JobError | None = None,
    ) -> Job:
        """End the job, and return it: as `cancelled`, without a result, if a cancel was asked for before.

        Where the result of a job that `succeeded` has a `model_id`, which is the job's, that model is registered.

        Raises:
            LeaseLost: it is another's now.
            ValueError: the result says something of its model that is not as `ModelFacts` has it.
        """
        return self.run(transitions.finish(job_id, fence, status, result, error))

    def release(self, job_id: str, fence: int) -> JobStatus:
        """Give a running job back to the queue, which counts as no crash; a cancelling one becomes `cancelled`.

        Raises:
            LeaseLost: it is another's now.
        """
        return self.run(transitions.release(job_id, fence))

    def get(self, job_id: str) -> Job:
        """Read a job with its history, in one round trip.

        Raises:
            JobNotFound: there is none.
        """
        return self.run(transitions.get(job_id, EVERYBODY))

    def list(self, status: JobStatus, limit: int) -> JobPage:
        """List the newest jobs of a status without their history, newest first.

        Damaged ones are left out; where there are more jobs the page has at least one.
        """
        after = None
        while True:
            page = self.run(transitions.list_jobs(status, limit, after, EVERYBODY))
            if page.jobs or not page.has_more:
                return page
            after = page.last

    def due(self, seconds: float) -> Due:
        """Find queued jobs that were handed to the queue so many seconds ago, and those whose lease ran out."""
        return self.run(transitions.due(seconds))

    def mark_published(self, job_id: str) -> None:
        """Note that the job was handed to the queue just now; nothing if it is not queued any more."""
        return self.run(transitions.mark_published(job_id))

    def take_back(self, job_id: str) -> Job:
        """Queue a job again whose lease ran out: its third loss fails it, and a cancelling one is `cancelled`.

        Any other is left as it is; look at the status of the answer.

        Raises:
            JobNotFound: there is none.
        """
        return self.run(transitions.take_back(job_id))

    def lock(self, name: str, owner: str, seconds: float) -> bool:
        """Take a lock, or keep it, for so many seconds; False if another owner has it."""
        return self.run(transitions.lock(name, owner, seconds))

    def unlock(self, name: str, owner: str) -> None:
        """Give a lock back; nothing if it is not the owner's."""
        return self.run(transitions.unlock(name, owner))

    def expired(self, older_than: float) -> Sequence[str]:
        """Name some of the jobs that finished at least so many seconds ago, the oldest first."""
        return self.run(transitions.expired(older_than, BATCH))

    def delete(self, job_id: str) -> None:
        """Remove all that is known of a finished or damaged job; nothing if there is none.

        Raises:
            NotFinished: it is queued or running.
        """
        return self.run(transitions.delete(job_id))

    def purge(self, older_than: float, remove: Callable[[str, bool], bool]) -> Sequence[str]:
        """Remove jobs that finished at least so many seconds ago, and name them, each once its artifacts are gone.

        `remove(job_id, registered)` removes these, and says whether it could. Where the job's model is `registered` its
        files are that model's and stay, and only the checkpoint is to go. In this order a crash in between, or what
        cannot be removed, leaves a record that is found again, and never artifacts that nobody knows.
        """
        gone = []
        for job_id in self.expired(older_than):
            if remove(job_id, self.run(registrations.registered(job_id))):
                self.delete(job_id)
                gone.append(job_id)
        return gone

    def run(self, call: Call[Answer]) -> Answer:
        """Send a call, of the jobs' or the registry's, and return its answer or raise the error that it stands for."""
        with translated():
            try:
                reply = self._client.evalsha(call.script.sha, 1, PREFIX, *call.arguments)
            except NoScriptError:  # Redis is new or has forgotten its scripts; EVAL makes it remember
                reply = self._client.eval(call.script.source, 1, PREFIX, *call.arguments)
        return call.parse(reply)
