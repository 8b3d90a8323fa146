"""What the scripts' replies mean: each is a list whose first word says what follows."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from pydantic import TypeAdapter

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
from jobs.model import (
    Claim,
    Due,
    EpochEntry,
    Event,
    EventPage,
    HistoryEntry,
    Hold,
    Job,
    JobError,
    JobPage,
    JobStatus,
    Origin,
    Progress,
)

Reply = list[Any]
_ENTRY: TypeAdapter[EpochEntry | HistoryEntry] = TypeAdapter(EpochEntry | HistoryEntry)


def job(reply: Reply, job_id: str) -> Job:
    """Make `job id hash history` a job.

    Raises:
        JobNotFound, AlreadyFinished, LeaseLost: the reply says so.
    """
    _refuse(reply, job_id)
    _, found_id, flat, history = reply
    record = pairs(flat)
    params = json.loads(record["params"])
    return Job(
        id=found_id,
        kind=record["kind"],
        status=JobStatus(record["status"]),
        created_at=moment(record["created_at"]),
        started_at=moment(record["started_at"]) if "started_at" in record else None,
        finished_at=moment(record["finished_at"]) if "finished_at" in record else None,
        params=params,
        progress=_progress(record, params),
        history=[_ENTRY.validate_json(entry) for entry in history],
        result=json.loads(record["result"]) if "result" in record else None,
        error=JobError.model_validate_json(record["error"]) if "error" in record else None,
        attempt=int(record["attempt"]),
    )


def created(reply: Reply, most_queued: int, quota: int, dataset_id: str) -> Job:
    """Make the reply a job.

    Raises:
        QueueFull, QuotaReached, IdempotencyConflict, DatasetNotFound, DatasetChanged: the reply says so.
    """
    if reply[0] == "missing":
        raise DatasetNotFound(dataset_id)
    if reply[0] == "changed":
        raise DatasetChanged(dataset_id)
    if reply[0] == "full":
        raise QueueFull(most_queued)
    if reply[0] == "quota":
        raise QuotaReached(quota)
    if reply[0] == "conflict":
        raise IdempotencyConflict(reply[1])
    return job(reply, reply[1])


def wished(reply: Reply) -> Job | None:
    """Make the reply a job, and `none` none.

    Raises:
        IdempotencyConflict: the reply says so.
    """
    if reply[0] == "none":
        return None
    if reply[0] == "conflict":
        raise IdempotencyConflict(reply[1])
    return job(reply, reply[1])


def claim(reply: Reply) -> Claim | None:
    """Make `claim id fence attempt params waited origin` a claim, and `none` none."""
    if reply[0] == "none":
        return None
    _, job_id, fence, attempt, params, waited, origin = reply
    return Claim(
        job_id=job_id,
        fence=int(fence),
        attempt=int(attempt),
        params=json.loads(params),
        waited_seconds=int(waited) / 1000,
        origin=Origin.model_validate_json(origin) if origin else Origin(),
    )


def hold(reply: Reply) -> Hold | None:
    """Make `hold owner fence` a hold, and `none` none."""
    return None if reply[0] == "none" else Hold(owner=reply[1], fence=int(reply[2]))


def status(reply: Reply, job_id: str) -> JobStatus:
    """Make `status word` a status.

    Raises:
        LeaseLost: the reply says so.
    """
    _refuse(reply, job_id)
    return JobStatus(reply[1])


def page(reply: Reply) -> JobPage:
    """Make `page has_more jobs` a page."""
    _, has_more, found = reply
    return JobPage([job(one, one[1]) for one in found], bool(has_more))


def due(reply: Reply) -> Due:
    """Make `due jobs jobs` what is due."""
    unpublished, lost = ([job(one, one[1]) for one in jobs] for jobs in reply[1:])
    return Due(unpublished, lost)


def events(reply: Reply, job_id: str, limit: int) -> EventPage:
    """Make `events finished entries`, of which there is one more than the limit if there are more, a page.

    Raises:
        JobNotFound: the reply says so.
    """
    _refuse(reply, job_id)
    _, finished, entries = reply
    found = [_event(event_id, pairs(flat)) for event_id, flat in entries[:limit]]
    return EventPage(found, len(entries) > limit, bool(finished))


def deleted(reply: Reply, job_id: str) -> None:
    """Check that the job could be removed.

    Raises:
        NotFinished: it is queued or running.
    """
    _refuse(reply, job_id)


def known(reply: Reply, job_id: str) -> None:
    """Check that there is the job.

    Raises:
        JobNotFound: the reply says so.
    """
    _refuse(reply, job_id)


def nothing(_: Reply) -> None:
    """Look for nothing in the reply."""


def moment(milliseconds: str | int) -> datetime:
    """Make milliseconds since 1970 a time, UTC."""
    return datetime.fromtimestamp(int(milliseconds) / 1000, UTC)


def pairs(flat: list[str]) -> dict[str, str]:
    """Make a hash, as Redis replies with it, a dictionary."""
    return dict(zip(flat[::2], flat[1::2], strict=True))


def _progress(record: dict[str, str], params: dict[str, Any]) -> Progress:
    if "progress" in record:
        return Progress.model_validate_json(record["progress"])
    return Progress(total_steps=params.get("steps", 0))


def _event(event_id: str, fields: dict[str, str]) -> Event:
    # The id begins with Redis's time, so the time need not be kept a second time.
    return Event.model_validate(
        {"id": event_id, "type": fields["type"], "at": moment(event_id.partition("-")[0])}
        | {"data": json.loads(fields["data"])}
    )


def _refuse(reply: Reply, job_id: str) -> None:
    match reply:
        case ["missing"]:
            raise JobNotFound(job_id)
        case ["lost"]:
            raise LeaseLost(job_id)
        case ["finished", found]:
            raise AlreadyFinished(job_id, found)
        case ["unfinished", found]:
            raise NotFinished(job_id, found)
