"""Report on a trained network: answer of `GET /models/{id}/report` and content of `report.json`."""

from __future__ import annotations

from datetime import datetime  # noqa: TC003 - pydantic reads the annotations
from typing import Any

from pydantic import Field, FiniteFloat

from bestguess.schemas.base import Schema

REPORT_FILE = "report.json"


class ClassScores(Schema):
    """How well one class is told from the others, each 0 to 1.

    Null where it is not defined: the precision of a class that was never said, the recall of one that never occurs.
    """

    label: str
    precision: FiniteFloat | None = Field(description="part of the images said to be of the class that are")
    recall: FiniteFloat | None = Field(description="part of the images of the class that were said to be")
    f1: FiniteFloat | None = Field(description="harmonic mean of the two")
    support: int = Field(description="test images of the class")


class Mistake(Schema):
    """A test image that the network got wrong; scores are 0 to 1, `scores` in the order of the report's classes."""

    index: int = Field(description="place among the test images, from 0")
    label: str = Field(description="what it is")
    predicted: str = Field(description="what the network said")
    score: FiniteFloat = Field(description="of what it said")
    true_score: FiniteFloat = Field(description="of what it is")
    scores: list[FiniteFloat]
    image: str = Field(description="a PNG as a data URI")


class Point(Schema):
    """One point of the learning curve: accuracies 0 to 1, and the mean loss, since the point before."""

    step: int
    train_accuracy: FiniteFloat
    loss: FiniteFloat
    validation_accuracy: FiniteFloat | None = Field(None, exclude_if=lambda value: value is None)


class Dataset(Schema):
    """What a network learned from; `description` says so to people, and never calls drawn digits anything else."""

    name: str
    description: str
    train_images: int
    official: bool | None = Field(
        None, description="whether it is the published one, byte for byte; null where none is"
    )
    sha256: dict[str, str] = Field({}, description="of the arrays, hexadecimal")


class Origin(Schema):
    """Where a network comes from."""

    job_id: str
    model_id: str
    created_at: datetime
    dataset: Dataset
    params: dict[str, Any] = Field(description="the job's, and the seed that was drawn where none was asked for")
    learning_curve: list[Point]
    tested_on: str = Field("test images", description="what the images are that it was tested on, none learned from")


class Findings(Schema):
    """How a network did on its test images; `accuracy` and `macro_f1`, the mean over the classes, are 0 to 1."""

    test_images: int
    accuracy: FiniteFloat
    macro_f1: FiniteFloat
    classes: list[str]
    per_class: list[ClassScores]
    confusion_matrix: list[list[int]] = Field(description="images; a row a true class, a column a class said")
    worst_mistakes: list[Mistake] = Field(description="the 25 that it was most wrong about, the worst first")


class Report(Findings, Origin):
    """A network, where it comes from, and how good it is."""
