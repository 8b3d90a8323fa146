"""The calls about jobs: queue one, look at it, watch it, cancel it."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Literal, TypedDict

from bestguess.client._request import Call, content, name, shaped
from bestguess.schemas import Jobs
from bestguess.schemas.jobs import Job, JobStatus

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

PAGE = 100  # jobs; the most that the service gives at once
SILENCE = 45.0  # seconds; the service says that it is still there every 15


class Training(TypedDict, total=False):
    """Parameters of a training on digits, as in `bestguess.schemas.MnistParams`; the service has the defaults."""

    steps: int | None
    batch_size: int | None
    learning_rate: float | None
    optimizer: Literal["adam", "sgd"] | None
    report_every: int | None
    dropout: float | None
    seed: int | None
    dataset: Literal["mnist", "synthetic-digits"] | None


class Finetuning(TypedDict, total=False):
    """Parameters of a fine-tuning, as in `bestguess.schemas.FinetuneParams`; the service has the defaults.

    `augment` names changes, or True is all of them; `class_weights` is `balanced`, or a number for each class.
    """

    base: str | None
    freeze: int | None
    optimizer: Literal["sgd", "adam"] | None
    learning_rate: float | None
    epochs: int | None
    batch_size: int | None
    validation_split: float | None
    augment: bool | Sequence[Literal["flip", "crop", "colour"]] | None
    patience: int | None
    class_weights: Literal["balanced"] | Mapping[str, float] | None
    seed: int | None


def train(params: Training, idempotency_key: str | None) -> Call[Job]:
    """Queue a training; the key, which is made up where none is given, lets it be asked for twice."""
    return _queue("mnist-train", params, idempotency_key)


def finetune(dataset_id: str, params: Finetuning, idempotency_key: str | None) -> Call[Job]:
    """Queue a fine-tuning on a data set, likewise."""
    return _queue("finetune", {"dataset_id": dataset_id, **params}, idempotency_key)


def job(job_id: str) -> Call[Job]:
    """Look at a job."""
    return Call("GET", f"/jobs/{name(job_id)}", shaped(Job))


def jobs(status: JobStatus | str | None, after: str | None) -> Call[Jobs]:
    """Look at a page of jobs, the newest first, from the one that follows `after`."""
    return Call("GET", "/jobs", shaped(Jobs), {"status": status, "limit": PAGE, "after": after})


def cancel(job_id: str) -> Call[Job]:
    """Ask for the end of a job."""
    return Call("POST", f"/jobs/{name(job_id)}/cancel", shaped(Job))


def events(job_id: str, after: str | None) -> Call[bytes]:
    """Ask for a live stream of what happens to a job, from after the event `after`."""
    headers = {"Accept": "text/event-stream", "Cache-Control": "no-store"}
    headers |= {"Last-Event-ID": after} if after else {}
    return Call("GET", f"/jobs/{name(job_id)}/events", content, headers=headers, timeout=SILENCE)


def _queue(kind: str, params: Mapping[str, object], idempotency_key: str | None) -> Call[Job]:
    headers = {"Idempotency-Key": idempotency_key or uuid.uuid4().hex}
    asked = {key: value for key, value in params.items() if value is not None}
    return Call("POST", f"/jobs/{kind}", shaped(Job), headers=headers, json=asked)
