"""Errors of jobs, models, data sets and their stores, for the API to render and the worker to act upon.

`slug`, `title` and `category` say to callers of the API what kind of problem it is. `answer` is what they read, and
`{error}` in it is the message; `retry_after` is when to come back, in seconds; `log_level` is the level at which the
service logs the message, where its operator should know of it. `app.errors` renders them.
"""

from __future__ import annotations

import logging


class JobsError(Exception):
    """The base of the errors."""

    slug: str
    title: str
    category: str
    answer = "{error}."
    retry_after: int | None = None
    log_level: int = logging.NOTSET


class StoreError(JobsError):
    """The base of the errors of records in Redis."""


class StoreUnavailable(StoreError):
    """Redis cannot be reached, is silent, or refuses: full, loading, read-only, no permission, and so on.

    What was asked may or may not have happened.
    """

    slug, title, category = "not-ready", "Not ready yet", "unavailable"
    answer = "Redis, which keeps the jobs, does not answer. Try again in a moment."
    retry_after = 5
    log_level = logging.WARNING


class RecordDamaged(StoreError):
    """A stored record cannot be read: it was changed by hand, or written by a version that this one does not know.

    `record` says what it is a record of: `job`, `event`, `model`, `dataset` or `key`, any key of Redis.
    """

    slug, title, category = "damaged-record", "This stored record is damaged", "conflict"
    answer = "{error}. The log of the service names it; an admin can delete it."

    def __init__(self, record: str, name: str, reason: str) -> None:
        super().__init__(f"The stored record of {record} {name[:100]} is damaged: {reason}")
        self.record, self.name, self.reason = record, name, reason


class NotFound(StoreError):
    """The base of the errors of what never was, or was removed since."""

    slug, title, category = "not-found", "There is nothing here", "not found"


class Conflict(StoreError):
    """The base of the errors of what cannot be done in the present state."""

    slug, title, category = "conflict", "This cannot be done", "conflict"


class Invalid(StoreError):
    """The base of the errors of parameters that cannot be used."""

    slug, title, category = "invalid-parameters", "Some parameters cannot be used", "invalid"


class TooManyJobs(StoreError):
    """The base of the errors of jobs that are more than may wait."""

    slug, title, category = "too-many-jobs", "Too many jobs are waiting", "busy"
    answer = "{error}. Try again when one has finished."
    retry_after = 30


class JobNotFound(NotFound):
    """There is no job with this id: never was, or removed since."""

    answer = "{error}. It never was, or it was removed some time after it finished."

    def __init__(self, job_id: str) -> None:
        super().__init__(f"There is no job {job_id}")
        self.job_id = job_id


class QueueFull(TooManyJobs):
    """As many jobs wait as may."""

    def __init__(self, limit: int) -> None:
        super().__init__(f"{limit} jobs are waiting already, and no more are accepted")
        self.limit = limit


class QuotaReached(TooManyJobs):
    """This owner has as many unfinished jobs as one may."""

    def __init__(self, limit: int) -> None:
        super().__init__(f"You have {limit} unfinished jobs, as many as one may have")
        self.limit = limit


class IdempotencyConflict(Invalid):
    """The key was used within the last day for a request with another body, which made `job_id`."""

    answer = "{error}. Use another key, or the same body."

    def __init__(self, job_id: str) -> None:
        super().__init__(f"This Idempotency-Key belongs to another request, which made {job_id}")
        self.job_id = job_id


class AlreadyFinished(Conflict):
    """The job has succeeded or failed, so it cannot be cancelled any more."""

    def __init__(self, job_id: str, status: str) -> None:
        super().__init__(f"{job_id} has {status} and cannot be cancelled any more")
        self.job_id, self.status = job_id, status


class NotFinished(Conflict):
    """The job is queued or running, so it cannot be deleted yet."""

    def __init__(self, job_id: str, status: str) -> None:
        super().__init__(f"{job_id} is {status}: cancel it first")
        self.job_id, self.status = job_id, status


class NotDamaged(Conflict):
    """The job's record can be read, so it is not to be removed by hand: a finished one goes by itself after a while."""

    def __init__(self, job_id: str) -> None:
        super().__init__(f"{job_id} is not damaged: cancel it if it is not over; it is removed some time after its end")
        self.job_id = job_id


class LeaseLost(Conflict):
    """The fence is no longer the job's: another worker has it, or it was taken back, or removed. Stop working on it."""

    def __init__(self, job_id: str) -> None:
        super().__init__(f"{job_id} is no longer ours")
        self.job_id = job_id


class InvalidCursor(Invalid, ValueError):
    """This is no event's id, which looks like `1763870000000-0`."""

    answer = "{error}. Use the id of an event of this job."

    def __init__(self, after: str) -> None:
        super().__init__(f"{after[:40]!r} is no event's id")


class ModelNotFound(NotFound):
    """Nothing that was trained here has this id or alias: never had, or was removed since."""

    answer = "{error}. GET /models and /models/aliases list what there is."

    def __init__(self, name: str) -> None:
        super().__init__(f"There is no model {name[:100]}")
        self.name = name


class ModelUsed(Conflict):
    """A job that is not over begins with the model, which has to stay until then."""

    def __init__(self, model_id: str, job_id: str) -> None:
        super().__init__(f"{job_id} begins with {model_id} and is not over: wait for its end, or cancel it")
        self.model_id, self.job_id = model_id, job_id


class AliasNotFound(NotFound):
    """No model has this alias."""

    answer = "{error}. GET /models and /models/aliases list what there is."

    def __init__(self, name: str) -> None:
        super().__init__(f"There is no alias {name[:100]}")
        self.name = name


class InvalidAlias(Invalid, ValueError):
    """This name cannot be set as an alias, or be dropped; `reason` says why in words."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(f"{name[:100]!r} cannot be set or dropped as an alias: {reason}")
        self.name, self.reason = name, reason


class TooManyAliases(InvalidAlias):
    """As many aliases are set as may."""

    slug, title, category = "too-many-aliases", "No more aliases can be set", "conflict"
    answer = "There are {error.limit} aliases, the most that may be. Delete one first."

    def __init__(self, name: str, limit: int) -> None:
        super().__init__(name, f"{limit} are set already; drop one first")
        self.limit = limit


class DatasetNotFound(NotFound):
    """There is no data set with this id: never was, or was removed since."""

    answer = "{error}. GET /datasets lists what there is."

    def __init__(self, dataset_id: str) -> None:
        super().__init__(f"There is no data set {dataset_id[:100]}")
        self.dataset_id = dataset_id


class DatasetUsed(Conflict):
    """A job that is not over learns from the data set, which has to stay as it is until then."""

    def __init__(self, dataset_id: str, job_id: str) -> None:
        super().__init__(f"{job_id} learns from {dataset_id} and is not over: wait for its end, or cancel it")
        self.dataset_id, self.job_id = dataset_id, job_id


class DatasetChanged(StoreError):
    """Another request was faster: the data set is no longer what was to be changed."""

    slug, title, category = "not-ready", "Not ready yet", "unavailable"
    answer = "{error}. Send this again."
    retry_after = 1

    def __init__(self, dataset_id: str) -> None:
        super().__init__(f"{dataset_id} was changed at the same time")
        self.dataset_id = dataset_id


class TooManyDatasets(StoreError):
    """This owner has as many data sets as one may keep."""

    slug, title, category = "too-many-datasets", "No more data sets can be kept", "conflict"
    answer = "{error}. Delete one first."

    def __init__(self, limit: int) -> None:
        super().__init__(f"You have {limit} data sets, as many as one may keep")
        self.limit = limit
