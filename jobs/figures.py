"""What can be counted of all jobs and all workers, whichever API is asked: read from Redis in one round trip."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING

from bestguess.schemas.jobs import JobStatus
from jobs.replies import Reply, note_damaged, nothing, pairs
from jobs.transitions import Call, script

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Times:
    """A histogram: how many took at most so many seconds, each bound with all below it, and the sum of all seconds."""

    buckets: tuple[tuple[str, int], ...]
    seconds: float


@dataclass(frozen=True, slots=True)
class Figures:
    """Jobs by status, now; and what was counted since the first job, which only grows.

    `workers` are those that have said within the last seconds that they live; `images_per_second` is that of all
    trainings at this moment; `finished` is by kind and status; `waited` and `taken` are the times of jobs in the queue
    and from their first start to their end.
    """

    jobs: Mapping[JobStatus, int]
    oldest_queued_seconds: float
    workers: int
    models: int
    datasets: int
    images_per_second: float
    images: int
    retried: int
    finished: Mapping[tuple[str, str], int]
    waited: Times
    taken: Times


def read() -> Call[Figures]:
    """Read them."""
    return Call(script("figures"), tuple(JobStatus), _parse)


def beat(worker: str, seconds: float) -> Call[None]:
    """Say that a worker lives, and is to be counted for so many seconds; 0: it leaves."""
    return Call(script("beat"), (worker, round(seconds * 1000)), nothing)


def _parse(reply: Reply) -> Figures:
    _, counts, oldest, workers, models, datasets, speed, bounds, flat, broken_jobs, broken_keys = reply
    note_damaged("job", broken_jobs)
    note_damaged("key", broken_keys)
    totals = {name: int(value) for name, value in pairs(flat).items() if value.lstrip("-").isdecimal()}
    finished = {}
    for name, value in totals.items():
        match name.split(":"):
            case ["finished", kind, status]:
                finished[kind, status] = value
    return Figures(
        jobs=dict(zip(JobStatus, counts, strict=True)),
        oldest_queued_seconds=oldest / 1000,
        workers=workers,
        models=models,
        datasets=datasets,
        images_per_second=float(speed),
        images=totals.get("images", 0),
        retried=totals.get("retried", 0),
        finished=finished,
        waited=_times("waited", bounds, totals),
        taken=_times("taken", bounds, totals),
    )


def _times(name: str, bounds: list[str], totals: Mapping[str, int]) -> Times:
    ends = [*bounds, "+Inf"]
    up_to = accumulate(totals.get(f"{name}:{end}", 0) for end in ends)
    return Times(tuple(zip(ends, up_to, strict=True)), totals.get(f"{name}:ms", 0) / 1000)
