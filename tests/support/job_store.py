"""Job store for tests: jobs created and claimed in one call, and the states that a client saw."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from bestguess.schemas.jobs import HistoryEntry, JobStatus, Progress
from jobs.ids import made_at, new_job_id
from jobs.replies import moment
from support.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from bestguess.schemas.jobs import Job
    from jobs.records import Claim
    from support.stores import FullStore

LEASE = 60.0  # seconds: does not run out in a test
PROMISE = 5.0  # seconds within which a hung Redis has to be an error
BRIEF = 0.001  # seconds: has run out when the next call is made, or soon after


def queued(store: FullStore, job_id: str | None = None, most_queued: int = 1000) -> Job:
    """Make a job."""
    return store.create("mnist-train", {"steps": 10}, job_id=job_id or new_job_id(), most_queued=most_queued)


def distant(store: FullStore) -> Job:
    """Make a job in a millisecond of its own: within one, ids have no order."""
    job = queued(store)
    wait_until(lambda: made_at(new_job_id()) > made_at(job.id), 1)
    return job


def running(store: FullStore, lease: float = LEASE) -> Claim:
    """Make a job and claim it."""
    claim = store.claim(queued(store).id, "first", lease)
    assert claim is not None
    return claim


def progress(step: int) -> Progress:
    """How far a training of ten steps is."""
    return Progress(step=step, total_steps=10)


def entry(step: int) -> HistoryEntry:
    """A report that says nothing but its step."""
    return HistoryEntry(step=step, train_accuracy=0.5, loss=1.0)


def outcome(job_id: str, test_accuracy: float | None = 0.9, *, official: bool = True) -> dict[str, Any]:
    """What a training of digits has as its result; `official` says whether it is MNIST that it knows."""
    dataset = {"name": "mnist" if official else "synthetic-digits", "official": official, "sha256": "d" * 64}
    report = {"sha256": "e" * 64, "bytes": 99}
    accuracies = {"train_accuracy": 0.95, "test_accuracy": test_accuracy}
    facts = {"seed": 7, "precision": "float32", "training_seconds": 1.5, "model_id": job_id}
    files = {"sha256": "f" * 64, "bytes": 13_000_000, "files": {"report.json": report}}
    return accuracies | {"dataset": dataset} | facts | files


def trained(store: FullStore, test_accuracy: float | None = 0.9, *, official: bool = True) -> Job:
    """Make a job that has succeeded, and with it a model that is newer than any before."""
    claim = running(store)
    result = outcome(claim.job_id, test_accuracy, official=official)
    job = store.finish(claim.job_id, claim.fence, JobStatus.SUCCEEDED, result)
    assert job.finished_at is not None
    wait_until(lambda: now(store) > job.finished_at, 1)  # within a millisecond ids have no order
    return job


def now(store: FullStore) -> datetime:
    """The time by Redis's clock, in whole milliseconds."""
    seconds, microseconds = store._client.time()
    return moment(seconds * 1000 + microseconds // 1000)


def types(store: FullStore, job_id: str) -> list[str]:
    """What happened to a job, in words."""
    return [event.type for event in store.events(job_id).events]


class timed:  # noqa: N801 - reads as a word of the sentence
    """Measures a block: `with timed() as seconds: ...` and then `seconds()`."""

    def __enter__(self) -> Callable[[], float]:
        self._start = self._end = time.monotonic()
        return lambda: self._end - self._start

    def __exit__(self, *_: object) -> None:
        self._end = time.monotonic()
