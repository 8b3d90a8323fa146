"""What the scripts' replies mean: each is a list whose first word says what follows."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from bestguess.schemas.jobs import EpochEntry, Event, HistoryEntry, Job, JobError, JobStatus, Progress
from jobs.damage import damaged, json_object, mended, reading
from jobs.errors import (
    AlreadyFinished,
    DatasetChanged,
    DatasetNotFound,
    IdempotencyConflict,
    JobNotFound,
    LeaseLost,
    NotDamaged,
    NotFinished,
    QueueFull,
    QuotaReached,
    RecordDamaged,
)
from jobs.records import Claim, Due, DueJob, EventPage, Hold, JobPage, Origin

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

Reply = list[Any]
Answer = TypeVar("Answer")
_ENTRY: TypeAdapter[EpochEntry | HistoryEntry] = TypeAdapter(EpochEntry | HistoryEntry)


def job(reply: Reply, job_id: str) -> Job:
    """Make `job id hash history` a job.

    Raises:
        JobNotFound, AlreadyFinished, LeaseLost: the reply says so.
        RecordDamaged: the reply says so, or the hash or the history cannot be read.
    """
    _refuse(reply, job_id)
    _, found_id, flat, history = reply
    if flat == []:  # an index names it, and it is gone
        raise JobNotFound(job_id)
    with reading("job", found_id):
        record = pairs(flat)
        params = json_object(record["params"])
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
            result=json_object(record["result"]) if "result" in record else None,
            error=JobError.model_validate_json(record["error"]) if "error" in record else None,
            attempt=int(record.get("attempt", 0)),
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


def claim(reply: Reply, job_id: str) -> Claim | None:
    """Make `claim id fence attempt params waited origin` a claim, and `none` none.

    Raises:
        RecordDamaged: the reply says so, or something in it cannot be read.
    """
    _refuse(reply, job_id)
    if reply[0] == "none":
        return None
    _, _, fence, attempt, params, waited, origin = reply
    with reading("job", job_id):
        return Claim(
            job_id=job_id,
            fence=int(fence),
            attempt=int(attempt),
            params=json_object(params),
            waited_seconds=int(waited) / 1000,
            origin=_origin(origin),
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
    """Make `page has_more jobs` a page without those that were removed or are damaged."""
    _, has_more, found = reply
    there = [one for one in found if one[2] != []]
    return JobPage(readable(job, there), bool(has_more), found[-1][1] if found else None)


def readable(parse: Callable[[Reply, str], Answer], found: Iterable[Reply]) -> list[Answer]:
    """Parse replies whose second part is an id, and pass over the damaged ones."""
    answers = []
    for one in found:
        with suppress(RecordDamaged):
            answers.append(parse(one, one[1]))
    return answers


def due(reply: Reply) -> Due:
    """Make `due [id kind]... [id kind]... [id reason]... [key reason]...` what is due."""
    _, unpublished, lost, broken_jobs, broken_keys = reply
    note_damaged("job", broken_jobs)
    note_damaged("key", broken_keys)
    return Due([DueJob(*one) for one in unpublished], [DueJob(*one) for one in lost])


def note_damaged(record: str, broken: Iterable[tuple[str, str]]) -> None:
    """Log and count the records, each with its reason, that a script has found damaged."""
    for name, why in broken:
        damaged(record, name, why)


def expired(reply: Reply) -> list[str]:
    """Make `ids id...` a list."""
    return list(reply[1])


def events(reply: Reply, job_id: str, limit: int) -> EventPage:
    """Make `events finished entries`, of which there is one more than the limit if there are more, a page.

    Raises:
        JobNotFound: the reply says so.
    """
    _refuse(reply, job_id)
    _, finished, entries = reply
    shown = entries[:limit]
    found = readable(_event, [[job_id, event_id, flat] for event_id, flat in shown])
    return EventPage(found, len(entries) > limit, bool(finished), shown[-1][0] if shown else None)


def deleted(reply: Reply, job_id: str) -> None:
    """Check that the job could be removed.

    Raises:
        NotFinished: it is queued or running.
        NotDamaged: only a damaged one was to be removed.
        JobNotFound: the reply says so.
    """
    _refuse(reply, job_id)
    mended("job", job_id)


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


def pairs(flat: list[str] | None) -> dict[str, str]:
    """Make a hash, as Redis replies with it, a dictionary.

    Raises:
        ValueError: the script has found a key of another type in its place.
    """
    if flat is None:
        raise ValueError("its key is of another type")
    return dict(zip(flat[::2], flat[1::2], strict=True))


def _progress(record: dict[str, str], params: dict[str, Any]) -> Progress:
    if "progress" in record:
        return Progress.model_validate_json(record["progress"])
    return Progress(total_steps=params.get("steps", 0))


def _event(reply: Reply, event_id: str) -> Event:
    job_id, _, flat = reply
    with reading("event", f"{event_id} of {job_id}"):
        fields = pairs(flat)
        # The id begins with Redis's time, so the time need not be kept a second time.
        return Event.model_validate(
            {"id": event_id, "type": fields["type"], "at": moment(event_id.partition("-")[0])}
            | {"data": json_object(fields["data"])}
        )


def _origin(text: str) -> Origin:
    """Read where a job comes from, which only the logs need."""
    try:
        return Origin.model_validate_json(text) if text else Origin()
    except ValidationError:
        return Origin()


def _refuse(reply: Reply, job_id: str) -> None:
    match reply:
        case ["missing"]:
            raise JobNotFound(job_id)
        case ["damaged", found, why]:
            raise damaged("job", found, why)
        case ["healthy"]:
            raise NotDamaged(job_id)
        case ["lost"]:
            raise LeaseLost(job_id)
        case ["finished", found]:
            raise AlreadyFinished(job_id, found)
        case ["unfinished", found]:
            raise NotFinished(job_id, found)
