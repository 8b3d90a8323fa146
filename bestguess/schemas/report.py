"""Report on a trained network: answer of `GET /models/{id}/report` and content of `report.json`."""

from __future__ import annotations

from datetime import datetime  # noqa: TC003 - pydantic reads the annotations
from typing import Any

from pydantic import Field, FiniteFloat

from bestguess.schemas.base import Schema

REPORT_FILE = "report.json"


class ClassScores(Schema):
    """Scores of one class, each 0 to 1.

    Null where undefined: the precision of a class that was never predicted, the recall of one that never occurs.
    """

    label: str
    precision: FiniteFloat | None = Field(description="part of the images predicted as this class that belong to it")
    recall: FiniteFloat | None = Field(description="part of the images of this class that were predicted as it")
    f1: FiniteFloat | None = Field(description="harmonic mean of precision and recall")
    support: int = Field(description="test images of the class")


class Mistake(Schema):
    """A misclassified test image; scores are 0 to 1, `scores` in the order of the report's classes."""

    index: int = Field(description="index among the test images, from 0")
    label: str = Field(description="true class")
    predicted: str = Field(description="predicted class")
    score: FiniteFloat = Field(description="score of the predicted class")
    true_score: FiniteFloat = Field(description="score of the true class")
    scores: list[FiniteFloat]
    image: str = Field(description="a PNG as a data URI")


class Point(Schema):
    """One point of the learning curve: accuracies 0 to 1, and the mean loss, since the point before."""

    step: int
    train_accuracy: FiniteFloat
    loss: FiniteFloat
    validation_accuracy: FiniteFloat | None = Field(None, exclude_if=lambda value: value is None)


class Dataset(Schema):
    """Training data; `description` is for people and always names synthetic digits as such."""

    name: str
    description: str
    train_images: int
    official: bool | None = Field(
        None, description="whether it equals the published data set byte for byte; null if there is none"
    )
    sha256: dict[str, str] = Field({}, description="of the arrays, hexadecimal")


class Origin(Schema):
    """Origin of a network: its job, data, parameters and learning curve."""

    job_id: str
    model_id: str
    created_at: datetime
    dataset: Dataset
    params: dict[str, Any] = Field(description="the job's parameters, with the seed that was drawn if none was given")
    learning_curve: list[Point]
    tested_on: str = Field(
        "test images", description="the kind of images it was tested on, none of which it was trained on"
    )


class Findings(Schema):
    """Evaluation on test images; `accuracy` and `macro_f1`, the mean over classes, are 0 to 1."""

    test_images: int
    accuracy: FiniteFloat
    macro_f1: FiniteFloat
    classes: list[str]
    per_class: list[ClassScores]
    confusion_matrix: list[list[int]] = Field(
        description="number of images: one row per true class, one column per predicted class"
    )
    worst_mistakes: list[Mistake] = Field(description="the 25 worst, worst first")


class Report(Findings, Origin):
    """Report on a network: its origin and its evaluation."""
