"""Invariants of the job store: what must never change, and what may only grow."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bestguess.schemas.jobs import JobStatus
from jobs import figures
from jobs.errors import JobNotFound

if TYPE_CHECKING:
    from bestguess.schemas.jobs import Event, Job
    from support.job_store_model import PlainJob, PlainStore
    from support.stores import FullStore

PAGE = 3
# What may follow what: the rest is no life of a job.
NEXT = {
    JobStatus.QUEUED: {JobStatus.RUNNING, JobStatus.CANCELLED},
    JobStatus.RUNNING: set(JobStatus) - {JobStatus.RUNNING},
    JobStatus.CANCELLING: {JobStatus.CANCELLED},
}


@dataclass(frozen=True)
class Seen:
    """A job at an earlier moment."""

    job: Job
    fence: int
    events: list[Event]


class Witness:
    """Looks by a store of its own, so that what is sent twice is not its own looking."""

    def __init__(self, store: FullStore, plain: PlainStore) -> None:
        self._store, self._plain = store, plain
        self._seen: dict[str, Seen] = {}

    @property
    def known(self) -> list[str]:
        """Every job that was ever seen."""
        return list(self._seen)

    def look(self, job_id: str) -> None:
        """Compare a job with the plain one, and with itself as it was."""
        expected = self._plain.jobs.get(job_id)
        if expected is None:
            self._gone(job_id)
            return
        job, hold, events = self._store.get(job_id), self._store.hold(job_id), self._events(job_id)
        self.same(job, expected)
        assert (hold.owner if hold else None) == expected.token
        assert hold is None or hold.fence == expected.fence
        assert [event.type for event in events] == expected.events
        now = Seen(job, int(self._store._client.hget(f"bestguess:job:{job_id}", "fence")), events)  # type: ignore[arg-type]
        assert now.fence == expected.fence
        if job_id in self._seen:
            _follows(self._seen[job_id], now)
        self._seen[job_id] = now

    def same(self, job: Any, expected: PlainJob) -> None:  # noqa: ANN401
        """Compare a job with the plain one."""
        assert (job.id, job.status, job.attempt) == (expected.id, expected.status, expected.attempt)
        assert job.progress.step == (expected.progress.step if expected.progress else 0)
        assert job.history == expected.history
        assert job.result == expected.result
        assert (job.error.code if job.error else None) == expected.error
        assert (job.finished_at is not None) == job.status.finished
        assert (job.started_at is not None) == (job.attempt > 0)

    def pages(self, whose: str, status: JobStatus | None, limit: int) -> None:
        """Read a list to its end: every job of it is there once, the newest first."""
        found: list[Job] = []
        more = True
        while more:
            page = self._store.list(status, limit, found[-1].id if found else None, whose)
            found, more = found + page.jobs, page.has_more
            assert len(page.jobs) <= limit
        jobs = self._plain.jobs.values()
        expected = {job.id for job in jobs if whose in {"*", job.owner} and status in {None, job.status}}
        assert len(found) == len(expected)
        assert {job.id for job in found} == expected
        assert found == sorted(found, key=lambda job: (job.created_at, job.id), reverse=True)

    def counts(self) -> None:
        """Compare how many there are of each status."""
        assert self._store.run(figures.read()).jobs == {status: self._plain.count(status) for status in JobStatus}

    def due(self, seconds: float) -> None:
        """Compare what a reconciler has to do."""
        due, jobs = self._store.due(seconds), self._plain.jobs.values()
        assert {job.id for job in due.lost} == {job.id for job in jobs if job.lost}
        forgotten = {job.id for job in jobs if job.status is JobStatus.QUEUED and job.forgotten}
        assert {job.id for job in due.unpublished} == forgotten

    def _events(self, job_id: str) -> list[Event]:
        found: list[Event] = []
        more = True
        while more:
            page = self._store.events(job_id, found[-1].id if found else None, PAGE)
            found, more = found + page.events, page.has_more
            assert page.finished == self._plain.jobs[job_id].status.finished
        return found

    def _gone(self, job_id: str) -> None:
        for read in (self._store.get, self._store.events):
            try:
                read(job_id)
            except JobNotFound:
                continue
            raise AssertionError(f"{job_id} should not be there")
        assert self._store.hold(job_id) is None


def _follows(before: Seen, now: Seen) -> None:
    old, new = before.job, now.job
    if old.status.finished:
        assert new == old
        assert now == before
    assert new.status is old.status or new.status in NEXT[old.status]
    assert now.fence >= before.fence
    assert new.progress.step >= old.progress.step
    assert new.history[: len(old.history)] == old.history
    assert now.events[: len(before.events)] == before.events
    order = [tuple(map(int, event.id.split("-"))) for event in now.events]
    assert order == sorted(set(order))
    steps = [entry.step for entry in new.history]
    assert steps == sorted(set(steps))
