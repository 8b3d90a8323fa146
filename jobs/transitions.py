"""Each step of a job's life as a value: which script, with which arguments, and what its reply means; sent elsewhere.

How each script gives the same answer when it is sent twice stands at its head, in `scripts/`.
"""

from __future__ import annotations

import json
import re
import uuid
from dataclasses import dataclass
from functools import cache
from hashlib import sha1, sha256
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from jobs import ids, replies, trained
from jobs.errors import InvalidCursor
from jobs.owners import EVERYBODY

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from bestguess.schemas.jobs import HistoryEntry, Job, JobError, JobStatus, Progress
    from jobs.records import Claim, Due, EventPage, Hold, JobPage, Origin

Answer = TypeVar("Answer")
IDEMPOTENCY_SECONDS = 24 * 3600
EVENT_ID = re.compile(r"\d{1,19}-\d{1,19}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Script:
    """A Lua script, and the SHA-1 by which Redis knows it."""

    source: str
    sha: str


@dataclass(frozen=True, slots=True)
class Call(Generic[Answer]):
    """A script to run with arguments; `parse` makes its reply the answer, or raises the error that it stands for."""

    script: Script
    arguments: tuple[str | int, ...]
    parse: Callable[[list[Any]], Answer]


@cache
def script(name: str, *shared: str) -> Script:
    """Read a script from the package, and what it shares with others: `common` always, and further ones by name."""
    folder = files("jobs") / "scripts"
    source = "\n".join((folder / f"{part}.lua").read_text(encoding="utf-8") for part in ("common", *shared, name))
    return Script(source, sha1(source.encode(), usedforsecurity=False).hexdigest())


def create(  # noqa: PLR0913, PLR0917 - a job's record has so many parts
    kind: str,
    params: Mapping[str, Any],
    job_id: str,
    idempotency: tuple[str, str] | None,
    most_queued: int,
    owner: str,
    quota: int,
    origin: Origin | None,
    dataset: tuple[str, int] | None,
) -> Call[Job]:
    """Queue a job. The key may be of any length, so its digest stands for it; each owner has keys of its own."""
    key, body = (_key_of(owner, idempotency[0]), idempotency[1]) if idempotency else ("", "")
    made_by = origin.model_dump_json(exclude_none=True) if origin else ""
    life = _ms(IDEMPOTENCY_SECONDS)
    dataset_id, version = dataset or ("", 0)
    made = job_id, kind, json.dumps(params), key, body, most_queued, life, owner, quota, made_by, dataset_id, version
    return Call(script("create", "wishes"), made, lambda reply: replies.created(reply, most_queued, quota, dataset_id))


def wished(idempotency: tuple[str, str], owner: str) -> Call[Job | None]:
    """Ask which job a key has made."""
    arguments = _key_of(owner, idempotency[0]), idempotency[1]
    return Call(script("wished", "wishes"), arguments, replies.wished)


def claim(job_id: str, owner: str, lease_seconds: float) -> Call[Claim | None]:
    """Take a job."""
    return Call(script("claim"), (job_id, owner, _ms(lease_seconds)), lambda reply: replies.claim(reply, job_id))


def hold(job_id: str) -> Call[Hold | None]:
    """See who has a job."""
    return Call(script("hold"), (job_id,), replies.hold)


def renew(job_id: str, fence: int, lease_seconds: float) -> Call[JobStatus]:
    """Keep a job."""
    return Call(script("renew"), (job_id, fence, _ms(lease_seconds)), lambda reply: replies.status(reply, job_id))


def report(job_id: str, fence: int, progress: Progress, entry: HistoryEntry | None) -> Call[JobStatus]:
    """Record progress."""
    step, recorded = (str(entry.step), entry.model_dump_json()) if entry else ("", "")
    arguments = job_id, fence, progress.step, progress.model_dump_json(), step, recorded
    return Call(script("report"), arguments, lambda reply: replies.status(reply, job_id))


def finish(
    job_id: str, fence: int, status: JobStatus, result: Mapping[str, Any] | None, error: JobError | None
) -> Call[Job]:
    """End a job, with a result, which may name a model, or an error or neither."""
    if not status.finished:
        raise ValueError(f"A job cannot end as {status}")
    field, value = "", ""
    if result is not None:
        field, value = "result", json.dumps(result, allow_nan=False)
    elif error is not None:
        field, value = "error", error.model_dump_json()
    arguments = job_id, fence, status, field, value, trained.rank_of(job_id, result)
    return Call(script("finish", "registry"), arguments, lambda reply: replies.job(reply, job_id))


def release(job_id: str, fence: int) -> Call[JobStatus]:
    """Give a job back."""
    return Call(script("release"), (job_id, fence), lambda reply: replies.status(reply, job_id))


def cancel(job_id: str, whose: str) -> Call[Job]:
    """Ask for the end of a job."""
    return Call(script("cancel"), (job_id, whose), lambda reply: replies.job(reply, job_id))


def get(job_id: str, whose: str) -> Call[Job]:
    """Read a job."""
    return Call(script("get"), (job_id, whose), lambda reply: replies.job(reply, job_id))


def known(job_id: str, whose: str) -> Call[None]:
    """Ask for a job without reading it."""
    return Call(script("known"), (job_id, whose), lambda reply: replies.known(reply, job_id))


def list_jobs(status: JobStatus | None, limit: int, after: str | None, whose: str) -> Call[JobPage]:
    """Read a part of the list."""
    return Call(script("list"), (status or "", limit, after or "", ids.made_at(after or ""), whose), replies.page)


def events(job_id: str, after: str | None, limit: int, whose: str) -> Call[EventPage]:
    """Read a part of the events."""
    if after and not EVENT_ID.fullmatch(after):
        raise InvalidCursor(after)
    return Call(
        script("events"), (job_id, after or "", limit, whose), lambda reply: replies.events(reply, job_id, limit)
    )


def ready() -> Call[None]:
    """Ask whether Redis would run what a job needs, its writes too; nothing is written."""
    return Call(script("ready"), (), replies.nothing)


def due(seconds: float) -> Call[Due]:
    """Find what was forgotten."""
    return Call(script("due"), (_ms(seconds),), replies.due)


def mark_published(job_id: str) -> Call[None]:
    """Note that a job was handed to the queue."""
    return Call(script("mark_published"), (job_id,), replies.nothing)


def take_back(job_id: str) -> Call[Job]:
    """Queue a job again whose worker is lost."""
    return Call(script("take_back"), (job_id,), lambda reply: replies.job(reply, job_id))


def lock(name: str, owner: str, seconds: float) -> Call[bool]:
    """Take a lock."""
    return Call(script("lock"), (name, owner, _ms(seconds)), lambda reply: bool(reply[0] == "yes"))


def unlock(name: str, owner: str) -> Call[None]:
    """Give a lock back."""
    return Call(script("unlock"), (name, owner), replies.nothing)


def expired(older_than: float, limit: int) -> Call[list[str]]:
    """Name old finished jobs."""
    return Call(script("expired"), (_ms(older_than), limit), replies.expired)


def delete(job_id: str) -> Call[None]:
    """Remove a finished or damaged job."""
    return Call(script("delete"), (job_id, EVERYBODY, ""), lambda reply: replies.deleted(reply, job_id))


def delete_damaged(job_id: str, whose: str, *, unreadable: bool = False) -> Call[None]:
    """Remove a job only if it is damaged; a finished one also where it is `unreadable` in what no script reads."""
    arguments = job_id, whose, uuid.uuid4().hex, "1" if unreadable else ""
    return Call(script("delete"), arguments, lambda reply: replies.deleted(reply, job_id))


def _key_of(owner: str, key: str) -> str:
    """Digest an owner's idempotency key; neither can hold what stands between them."""
    return sha256((f"{owner}\n{key}" if owner else key).encode()).hexdigest()


def _ms(seconds: float) -> int:
    return round(seconds * 1000)
