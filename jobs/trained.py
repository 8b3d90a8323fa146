"""What a trained model is: the facts that its job's result states, the record made of them, and which model is best."""

from __future__ import annotations

from datetime import datetime  # noqa: TC003 - pydantic reads the annotations
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field, FiniteFloat

from bestguess.schemas.base import Frozen
from jobs.artifacts import PublishedFile  # noqa: TC001 - likewise
from jobs.finetuned import Finetuned
from jobs.owners import ANONYMOUS

if TYPE_CHECKING:
    from collections.abc import Mapping

Sort = Literal["created_at", "test_accuracy"]
OFFICIAL = 4.0  # more than any difference of accuracies makes
UNTESTED = -1.0  # less than any accuracy


class ModelFacts(Frozen):
    """What the result of a job that leaves a model says of it. A kind of job says more, or leaves out what it has not.

    Accuracies are parts of one. `dataset` has a `name`, and says whether it is `official`: the very one that others
    publish accuracies for. `sha256` and `bytes` are those of the network's file; `files` has all of them.
    """

    dataset: dict[str, Any] = Field(default_factory=dict)
    train_accuracy: FiniteFloat | None = Field(None, ge=0, le=1)
    validation_accuracy: FiniteFloat | None = Field(None, ge=0, le=1)
    test_accuracy: FiniteFloat | None = Field(None, ge=0, le=1)
    seed: int | None = None
    precision: str | None = None
    training_seconds: FiniteFloat | None = None
    files: dict[str, PublishedFile] = Field(default_factory=dict)
    sha256: str
    bytes: int


class TrainedModel(ModelFacts):
    """A model in the registry; `created_at` is when its job finished, by Redis's clock.

    `result` is the whole result of the job, so that what only one kind of job says is kept as well. `owner` is
    whoever its job belonged to.
    """

    id: str
    job_id: str
    kind: str
    created_at: datetime
    owner: str = ANONYMOUS
    params: dict[str, Any]
    result: dict[str, Any]

    @cached_property
    def finetuned(self) -> Finetuned:
        """What the result of a fine-tuning says, read once.

        Raises:
            ValueError: the record is of another kind, or cannot be understood.
        """
        return Finetuned.model_validate(self.result)

    @property
    def goodness(self) -> tuple[float, datetime, str]:
        """What models are compared by; the greatest is the best."""
        return rank(self), self.created_at, self.id


def rank(facts: ModelFacts) -> float:
    """Say how a model stands beside others: by its test accuracy, if both or neither were tested on an official set.

    Drawn digits tested on drawn digits are easy, so what is not official comes after all that is.
    """
    official = OFFICIAL if facts.dataset.get("official") is True else 0.0
    return official + (UNTESTED if facts.test_accuracy is None else facts.test_accuracy)


def rank_of(job_id: str, result: Mapping[str, Any] | None) -> str:
    """Say, for the script that ends the job, how the model stands that a result names; empty where it names none.

    Raises:
        ValueError: what the result says of its model could not be read again, or the model has not its job's id.
    """
    if result is None or "model_id" not in result:
        return ""
    if result["model_id"] != job_id:
        raise ValueError(f"The files of a model lie under its job's id, {job_id}, so {result['model_id']!r} has none")
    return repr(rank(ModelFacts.model_validate(result)))
