"""What can be wrong with a job or with the store, for the API to render and the worker to act upon."""

from __future__ import annotations


class StoreError(Exception):
    """The base of them all."""


class StoreUnavailable(StoreError):
    """Redis cannot be reached, is silent, full, loading or read-only. What was asked may or may not have happened."""


class JobNotFound(StoreError):
    """There is no job with this id: never was, or removed since."""

    def __init__(self, job_id: str) -> None:
        super().__init__(f"There is no job {job_id}")
        self.job_id = job_id


class QueueFull(StoreError):
    """As many jobs wait as may."""

    def __init__(self, limit: int) -> None:
        super().__init__(f"{limit} jobs are waiting already, and no more are accepted")
        self.limit = limit


class IdempotencyConflict(StoreError):
    """The key was used within the last day for a request with another body, which made `job_id`."""

    def __init__(self, job_id: str) -> None:
        super().__init__(f"This Idempotency-Key belongs to another request, which made {job_id}")
        self.job_id = job_id


class AlreadyFinished(StoreError):
    """The job has succeeded or failed, so it cannot be cancelled any more."""

    def __init__(self, job_id: str, status: str) -> None:
        super().__init__(f"{job_id} has {status} and cannot be cancelled any more")
        self.job_id, self.status = job_id, status


class NotFinished(StoreError):
    """The job is queued or running, so it cannot be deleted yet."""

    def __init__(self, job_id: str, status: str) -> None:
        super().__init__(f"{job_id} is {status}: cancel it first")
        self.job_id, self.status = job_id, status


class LeaseLost(StoreError):
    """The fence is no longer the job's: somebody else has it, or it was taken back, or removed. Stop working on it."""

    def __init__(self, job_id: str) -> None:
        super().__init__(f"{job_id} is no longer ours")
        self.job_id = job_id


class InvalidCursor(StoreError, ValueError):
    """This is no event's id, which looks like `1763870000000-0`."""

    def __init__(self, after: str) -> None:
        super().__init__(f"{after[:40]!r} is no event's id")
