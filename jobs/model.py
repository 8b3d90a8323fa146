"""What a job is: frozen values that both halves share, and the very shapes that go over the wire."""

from __future__ import annotations

from datetime import datetime  # noqa: TC003 - pydantic reads the annotations
from enum import StrEnum
from typing import Annotated, Any, Literal, NamedTuple, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, FiniteFloat, model_validator


def _only_numbers(value: object) -> object:
    """Refuse what pydantic would take for a number: JSON's `true` is no 1, and a text none either."""
    if isinstance(value, bool | str):
        raise ValueError("this has to be a number")  # noqa: TRY004 - pydantic wants it so
    return value


Whole = Annotated[int, BeforeValidator(_only_numbers)]  # 50.0 is whole too, as JSON Schema has it
Real = Annotated[float, BeforeValidator(_only_numbers)]
MOST_IMAGES = 3_000_000  # steps times batch size: an hour of training on two processor cores without a GPU


class Frozen(BaseModel):
    """An immutable value that ignores unknown fields, as it may have been stored or sent by another version.

    Request bodies override this with `extra="forbid"`. The OpenAPI document lists every field of an answer, so it
    says `additionalProperties: false` either way.
    """

    model_config = ConfigDict(
        frozen=True, extra="ignore", protected_namespaces=(), json_schema_extra={"additionalProperties": False}
    )


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


class MnistParams(Frozen, extra="forbid"):
    """What `POST /jobs/mnist-train` takes; the defaults are the classic tutorial's."""

    steps: Whole = Field(1000, ge=1, le=100_000, description="batches to learn from")
    batch_size: Whole = Field(50, ge=1, le=1000, description="images in a batch")
    learning_rate: Real = Field(0.001, gt=0, le=1000, allow_inf_nan=False, description="of the optimizer")
    optimizer: Literal["adam", "sgd"] = Field("adam", description="how the weights follow the gradient")
    report_every: Whole = Field(100, ge=1, le=100_000, description="steps between two reports")
    dropout: Real = Field(0.5, ge=0, lt=1, description="part of the dense layer left out in each step")
    seed: Annotated[int, Field(ge=0, lt=2**31), BeforeValidator(_only_numbers)] | None = Field(
        None, description="makes the training repeatable"
    )
    dataset: Literal["mnist", "synthetic-digits"] = Field("mnist", description="what it learns from")

    @model_validator(mode="after")
    def _within_an_hour(self) -> Self:
        images = self.steps * self.batch_size
        if images > MOST_IMAGES:
            raise ValueError(f"steps x batch_size is {images:,} images, and at most {MOST_IMAGES:,} are accepted")
        return self


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
    history: list[EpochEntry | HistoryEntry] = []
    result: dict[str, Any] | None = None
    error: JobError | None = None
    attempt: int = 0


class Event(Frozen):
    """Something that happened to a job; `id` is Redis's stream id, ascending, which SSE repeats as its own."""

    id: str
    type: Literal["created", "started", "progress", "retried", "cancelling", "succeeded", "failed", "cancelled"]
    at: datetime
    data: dict[str, Any]


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
