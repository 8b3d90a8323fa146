"""What can be wrong with a job or with the store, for the API to render and the worker to act upon."""

from __future__ import annotations


class StoreError(Exception):
    """The base of them all."""


class StoreUnavailable(StoreError):
    """Redis cannot be reached, is silent, or refuses: full, loading, read-only, no permission, and so on.

    What was asked may or may not have happened.
    """


class RecordDamaged(StoreError):
    """A stored record cannot be read: it was changed by hand, or written by a version that this one does not know.

    `record` says what it is a record of: `job`, `event`, `model`, `dataset` or `key`, any key of Redis.
    """

    def __init__(self, record: str, name: str, reason: str) -> None:
        super().__init__(f"The stored record of {record} {name[:100]} is damaged: {reason}")
        self.record, self.name, self.reason = record, name, reason


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


class QuotaReached(StoreError):
    """This owner has as many unfinished jobs as one may."""

    def __init__(self, limit: int) -> None:
        super().__init__(f"You have {limit} unfinished jobs, as many as one may have")
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


class NotDamaged(StoreError):
    """The job's record can be read, so it is not to be removed by hand: a finished one goes by itself after a while."""

    def __init__(self, job_id: str) -> None:
        super().__init__(f"{job_id} is not damaged: cancel it if it is not over; it is removed some time after its end")
        self.job_id = job_id


class LeaseLost(StoreError):
    """The fence is no longer the job's: somebody else has it, or it was taken back, or removed. Stop working on it."""

    def __init__(self, job_id: str) -> None:
        super().__init__(f"{job_id} is no longer ours")
        self.job_id = job_id


class InvalidCursor(StoreError, ValueError):
    """This is no event's id, which looks like `1763870000000-0`."""

    def __init__(self, after: str) -> None:
        super().__init__(f"{after[:40]!r} is no event's id")


class ModelNotFound(StoreError):
    """Nothing that was trained here has this id or alias: never had, or was removed since."""

    def __init__(self, name: str) -> None:
        super().__init__(f"There is no model {name[:100]}")
        self.name = name


class ModelUsed(StoreError):
    """A job that is not over begins with the model, which has to stay until then."""

    def __init__(self, model_id: str, job_id: str) -> None:
        super().__init__(f"{job_id} begins with {model_id} and is not over: wait for its end, or cancel it")
        self.model_id, self.job_id = model_id, job_id


class AliasNotFound(StoreError):
    """No model has this alias."""

    def __init__(self, name: str) -> None:
        super().__init__(f"There is no alias {name[:100]}")
        self.name = name


class InvalidAlias(StoreError, ValueError):
    """This name cannot be set as an alias, or be dropped; `reason` says why in words."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(f"{name[:100]!r} cannot be set or dropped as an alias: {reason}")
        self.name, self.reason = name, reason


class TooManyAliases(InvalidAlias):
    """As many aliases are set as may."""

    def __init__(self, name: str, limit: int) -> None:
        super().__init__(name, f"{limit} are set already; drop one first")
        self.limit = limit


class DatasetError(StoreError):
    """What can be wrong with a data set."""


class DatasetNotFound(DatasetError):
    """There is no data set with this id: never was, or was removed since."""

    def __init__(self, dataset_id: str) -> None:
        super().__init__(f"There is no data set {dataset_id[:100]}")
        self.dataset_id = dataset_id


class DatasetUsed(DatasetError):
    """A job that is not over learns from the data set, which has to stay as it is until then."""

    def __init__(self, dataset_id: str, job_id: str) -> None:
        super().__init__(f"{job_id} learns from {dataset_id} and is not over: wait for its end, or cancel it")
        self.dataset_id, self.job_id = dataset_id, job_id


class DatasetChanged(DatasetError):
    """Somebody else was faster: the data set is not any more what was to be changed."""

    def __init__(self, dataset_id: str) -> None:
        super().__init__(f"{dataset_id} was changed at the same time")
        self.dataset_id = dataset_id


class TooManyDatasets(DatasetError):
    """This owner has as many data sets as one may keep."""

    def __init__(self, limit: int) -> None:
        super().__init__(f"You have {limit} data sets, as many as one may keep")
        self.limit = limit
