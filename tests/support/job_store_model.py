"""In-memory model of the job store, single-threaded and without failures: the specification of the real one.

Each operation returns the job, or the error that the real store raises.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from bestguess.schemas.jobs import JobStatus
from jobs.errors import (
    AlreadyFinished,
    DatasetChanged,
    DatasetNotFound,
    IdempotencyConflict,
    JobNotFound,
    LeaseLost,
    NotFinished,
    QueueFull,
    QuotaReached,
)

CRASHES = 3
ACTIVE = {JobStatus.RUNNING, JobStatus.CANCELLING}


@dataclass
class PlainJob:
    """A job; `lost` says that its lease has run out, `forgotten` that it has to be handed to the queue again."""

    id: str
    owner: str
    status: JobStatus = JobStatus.QUEUED
    attempt: int = 0
    fence: int = 0
    crashes: int = 0
    token: str | None = None
    lost: bool = False
    forgotten: bool = False
    progress: Any = None
    history: list[Any] = field(default_factory=list)
    result: dict[str, Any] | None = None
    error: str | None = None
    released: tuple[int, JobStatus] | None = None
    events: list[str] = field(default_factory=lambda: ["created"])

    def end(self, status: JobStatus) -> None:
        """Close it."""
        self.status, self.token, self.lost = status, None, False
        self.events.append(status)

    def requeue(self) -> None:
        """Put it back."""
        self.status, self.token, self.lost, self.forgotten = JobStatus.QUEUED, None, False, True
        self.events.append("retried")

    def recover(self) -> None:
        """Take it from a worker that is gone."""
        self.fence += 1
        self.crashes += 1
        if self.status is JobStatus.CANCELLING:
            self.end(JobStatus.CANCELLED)
        elif self.crashes >= CRASHES:
            self.error = "worker-lost"
            self.end(JobStatus.FAILED)
        else:
            self.requeue()

    def held_by(self, fence: int) -> bool:
        """Whether a fence is the right to change it."""
        return self.status in ACTIVE and self.fence == fence


class PlainStore:
    """All jobs by their id, and what idempotency keys stand for."""

    def __init__(self) -> None:
        self.jobs: dict[str, PlainJob] = {}
        self.keys: dict[tuple[str, str], tuple[str, str]] = {}
        self.registered: set[str] = set()
        self.datasets: dict[str, int] = {}

    def create(  # noqa: PLR0913, PLR0917 - as the real one
        self,
        job_id: str,
        wish: tuple[str, str] | None,
        most_queued: int,
        owner: str,
        quota: int,
        dataset: tuple[str, int] | None = None,
    ) -> PlainJob | type[Exception]:
        """Queue a job, unless there is it already, or too many are, or its data set is not what it was."""
        if job_id in self.jobs:
            return self.jobs[job_id]
        known = self.wished(wish, owner) if wish else None
        if known:
            return known
        if dataset and self.datasets.get(dataset[0]) != dataset[1]:
            return DatasetChanged if dataset[0] in self.datasets else DatasetNotFound
        if self.count(JobStatus.QUEUED) >= most_queued:
            return QueueFull
        if quota and sum(job.owner == owner and not job.status.finished for job in self.jobs.values()) >= quota:
            return QuotaReached
        self.jobs[job_id] = PlainJob(job_id, owner)
        if wish:
            self.keys[owner, wish[0]] = job_id, wish[1]
        return self.jobs[job_id]

    def wished(self, wish: tuple[str, str], owner: str) -> PlainJob | type[Exception] | None:
        """Find what a key has made."""
        made, body = self.keys.get((owner, wish[0]), ("", ""))
        if made not in self.jobs:
            return None
        return self.jobs[made] if body == wish[1] else IdempotencyConflict

    def count(self, status: JobStatus) -> int:
        """Count those of a status."""
        return sum(job.status is status for job in self.jobs.values())

    def claim(self, job_id: str, token: str) -> PlainJob | None:
        """Take a job; again with the same token it is the same claim."""
        job = self.jobs.get(job_id)
        if job is None:
            return None
        if not (job.status in ACTIVE and job.token == token):
            if job.lost:
                job.recover()
            if job.status is not JobStatus.QUEUED:
                return None
            job.status, job.token = JobStatus.RUNNING, token
            job.fence += 1
            job.attempt += 1
            job.events.append("started")
        job.lost = False
        return job

    def renew(self, job_id: str, fence: int) -> JobStatus | type[Exception]:
        """Keep a job."""
        job = self.jobs.get(job_id)
        if job is None or not job.held_by(fence):
            return LeaseLost
        job.lost = False
        return job.status

    def report(self, job_id: str, fence: int, progress: Any, entry: Any) -> JobStatus | type[Exception]:  # noqa: ANN401
        """Record what goes forward."""
        job = self.jobs.get(job_id)
        if job is None or not job.held_by(fence):
            return LeaseLost
        before = job.progress.step if job.progress else -1
        if progress.step >= before and progress != job.progress:
            job.progress = progress
            job.events.append("progress")
        if entry and (not job.history or entry.step > job.history[-1].step):
            job.history.append(entry)
        return job.status

    def finish(
        self, job_id: str, fence: int, status: JobStatus, result: dict[str, Any] | None, error: str | None
    ) -> PlainJob | type[Exception]:
        """End a job; a cancel that was asked for wins."""
        job = self.jobs.get(job_id)
        if job is not None and job.held_by(fence):
            if job.status is not JobStatus.CANCELLING:
                job.result, job.error = result, error
                if result and "model_id" in result:
                    self.registered.add(job_id)
            job.end(JobStatus.CANCELLED if job.status is JobStatus.CANCELLING else status)
        elif job is None or not (job.status.finished and job.fence == fence):
            return LeaseLost
        return job

    def release(self, job_id: str, fence: int) -> JobStatus | type[Exception]:
        """Give a job back."""
        job = self.jobs.get(job_id)
        if job is not None and job.released and job.released[0] == fence:
            return job.released[1]
        if job is None or not job.held_by(fence):
            return LeaseLost
        job.fence += 1
        if job.status is JobStatus.CANCELLING:
            job.end(JobStatus.CANCELLED)
        else:
            job.requeue()
        job.released = fence, job.status
        return job.status

    def cancel(self, job_id: str, whose: str) -> PlainJob | type[Exception]:
        """Ask for the end of a job."""
        job = self.jobs.get(job_id)
        if job is None or whose not in {"*", job.owner}:
            return JobNotFound
        if job.status in {JobStatus.SUCCEEDED, JobStatus.FAILED}:
            return AlreadyFinished
        if job.status is JobStatus.QUEUED:
            job.end(JobStatus.CANCELLED)
        elif job.status is JobStatus.RUNNING:
            job.status = JobStatus.CANCELLING
            job.events.append("cancelling")
        return job

    def take_back(self, job_id: str) -> PlainJob | type[Exception]:
        """Take a job from a worker that is gone."""
        job = self.jobs.get(job_id)
        if job is None:
            return JobNotFound
        if job.lost:
            job.recover()
        return job

    def delete(self, job_id: str) -> type[Exception] | None:
        """Forget a finished job."""
        if job_id in self.jobs and not self.jobs[job_id].status.finished:
            return NotFinished
        self.jobs.pop(job_id, None)
        return None
