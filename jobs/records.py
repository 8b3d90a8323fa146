"""Records of jobs that only Redis holds: leases, deliveries and pages of lists."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from bestguess.schemas.base import Frozen

if TYPE_CHECKING:
    from bestguess.schemas.jobs import Event, Job


class Origin(Frozen):
    """The request that made a job, so that what a worker says of the job can be found by it.

    `traceparent` is W3C Trace Context's, where traces are kept.
    """

    request_id: str | None = None
    traceparent: str | None = None


class Claim(Frozen):
    """A worker's right to run a job, for as long as its lease is renewed; `fence` is greater than any before.

    `waited_seconds` is what the job spent in the queue before this attempt.
    """

    job_id: str
    fence: int
    attempt: int
    params: dict[str, Any]
    waited_seconds: float = 0.0
    origin: Origin = Origin()


class Hold(NamedTuple):
    """Who has a job at this moment: the token of the delivery, and its fence."""

    owner: str
    fence: int


class JobPage(NamedTuple):
    """A part of the list of jobs, newest first and without their histories, and whether older ones follow.

    `last` is the id where the part ends, which a damaged job that was passed over may have.
    """

    jobs: list[Job]
    has_more: bool
    last: str | None = None


class EventPage(NamedTuple):
    """A part of a job's events, ascending; whether more are there by now; whether the job is finished.

    `last` is the id where the part ends, which a damaged event that was passed over may have.
    """

    events: list[Event]
    has_more: bool
    finished: bool
    last: str | None = None


class DueJob(NamedTuple):
    """What is needed of a job's record to hand the job to the queue."""

    id: str
    kind: str


class Due(NamedTuple):
    """What a reconciler has to look after: jobs to hand to the queue again, and jobs to take back."""

    unpublished: list[DueJob]
    lost: list[DueJob]
