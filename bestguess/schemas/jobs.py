"""Jobs and their events, as `GET /jobs/{id}` and the event stream show them."""

from __future__ import annotations

from datetime import datetime  # noqa: TC003 - pydantic reads the annotations
from enum import StrEnum
from typing import Any, Literal

from pydantic import Field, FiniteFloat

from bestguess.schemas.base import Frozen, Schema


class JobStatus(StrEnum):
    """Status of a job; the last three are final."""

    QUEUED = "queued"
    RUNNING = "running"
    CANCELLING = "cancelling"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def finished(self) -> bool:
        """Whether this status is final."""
        return self in {JobStatus.SUCCEEDED, JobStatus.FAILED, JobStatus.CANCELLED}


class HistoryEntry(Frozen):
    """One report: training accuracy (0 to 1) and mean loss over the steps since the one before."""

    step: int
    train_accuracy: FiniteFloat
    loss: FiniteFloat  # JSON has no NaN: what is not finite could be written, but not read again


class EpochEntry(HistoryEntry):
    """One epoch of a fine-tuning; `step` is its last step.

    Accuracies are 0 to 1 and losses are means: in training, over the batches as trained on; in validation, over
    all held-out photographs, null if there are none.
    """

    epoch: int
    validation_accuracy: FiniteFloat | None = None
    validation_loss: FiniteFloat | None = None


class Progress(Frozen):
    """Progress of a training; accuracy and loss are from the last report, null before the first.

    Fields about epochs are omitted by trainings that do not count in epochs.
    """

    step: int = 0
    total_steps: int = 0
    train_accuracy: FiniteFloat | None = None
    loss: FiniteFloat | None = None
    images_per_second: FiniteFloat | None = None
    eta_seconds: FiniteFloat | None = None
    epoch: int | None = Field(None, exclude_if=lambda value: value is None)
    total_epochs: int | None = Field(None, exclude_if=lambda value: value is None)
    validation_accuracy: FiniteFloat | None = Field(None, exclude_if=lambda value: value is None)
    validation_loss: FiniteFloat | None = Field(None, exclude_if=lambda value: value is None)


class JobError(Frozen):
    """Why a job failed: a stable code for programs, such as `dataset-unavailable`, and advice for people."""

    code: str
    detail: str


class Job(Frozen):
    """A job, as `GET /jobs/{id}` returns it. `result` depends on the kind: accuracies, the model's id, the data set."""

    id: str
    kind: str
    status: JobStatus
    created_at: datetime
    started_at: datetime | None = None
    finished_at: datetime | None = None
    params: dict[str, Any]
    progress: Progress
    history: list[EpochEntry | HistoryEntry] = Field([])
    result: dict[str, Any] | None = None
    error: JobError | None = None
    attempt: int = 0


class Event(Frozen):
    """An event of a job; `id` is its ascending Redis stream id, which is also its SSE id."""

    id: str
    type: Literal["created", "started", "progress", "retried", "cancelling", "succeeded", "failed", "cancelled"]
    at: datetime
    data: dict[str, Any]


class Jobs(Schema):
    """A page of jobs, newest first, without their histories."""

    data: list[Job]
    has_more: bool


class Events(Schema):
    """A page of a job's events, oldest first."""

    data: list[Event]
    has_more: bool
