"""Jobs and their events, as `GET /jobs/{id}` and the event stream show them."""

from __future__ import annotations

from datetime import datetime  # noqa: TC003 - pydantic reads the annotations
from enum import StrEnum
from typing import Any, Literal

from pydantic import Field, FiniteFloat

from bestguess.schemas.base import Frozen, Schema


class JobStatus(StrEnum):
    """Where a job is; the last three never change."""

    QUEUED = "queued"
    RUNNING = "running"
    CANCELLING = "cancelling"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def finished(self) -> bool:
        """Whether it stays so for ever."""
        return self in {JobStatus.SUCCEEDED, JobStatus.FAILED, JobStatus.CANCELLED}


class HistoryEntry(Frozen):
    """One report: training accuracy (0 to 1) and mean loss over the steps since the one before."""

    step: int
    train_accuracy: FiniteFloat
    loss: FiniteFloat  # JSON has no NaN: what is not finite could be written, but not read again


class EpochEntry(HistoryEntry):
    """One epoch of a fine-tuning, of which `step` was the last step.

    Accuracies are 0 to 1 and losses means: in training, of the batches as they were learned from; in validation, of all
    photographs that were kept out of it, null where none were.
    """

    epoch: int
    validation_accuracy: FiniteFloat | None = None
    validation_loss: FiniteFloat | None = None


class Progress(Frozen):
    """How far a training is; accuracy and loss are the last report's, null before the first.

    What only a training in epochs has is left out by the others.
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
    """Why a job failed: a stable code for programs, such as `dataset-unavailable`, and what to do for people."""

    code: str
    detail: str


class Job(Frozen):
    """A job as `GET /jobs/{id}` shows it. `result` is the kind's own: accuracies, the model's id, the data set."""

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
    """Something that happened to a job; `id` is Redis's stream id, ascending, which SSE repeats as its own."""

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
