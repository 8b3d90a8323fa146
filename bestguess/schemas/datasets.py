"""Data sets of photographs."""

from __future__ import annotations

from datetime import datetime  # noqa: TC003 - pydantic reads the annotations

from pydantic import Field

from bestguess.schemas.base import Schema


class Range(Schema):
    """A minimum and a maximum, in pixels."""

    min: int
    max: int


class ClassSize(Schema):
    """A class with its number of photographs."""

    name: str = Field(examples=["cats"])
    images: int = Field(examples=[120])


class ClassInfo(ClassSize):
    """A class with its statistics."""

    bytes: int = Field(description="total size of its photographs")
    width: Range
    height: Range
    samples: list[str] = Field(
        description="SHA-256 of a few photographs; get them from `/datasets/{id}/images/{sha256}?size=96`"
    )


class RejectedFile(Schema):
    """A file that was rejected."""

    path: str = Field(examples=["cats/notes.txt"])
    reason: str


class DuplicatePlace(Schema):
    """A photograph's path and label."""

    path: str
    label: str


class DuplicateContent(Schema):
    """Photographs with identical bytes. All are kept, on the same side of a training and validation split."""

    sha256: str
    photographs: list[DuplicatePlace] = Field(description="the first five")


class DatasetBrief(Schema):
    """A data set, as lists show it."""

    id: str = Field(examples=["ds_0198c2b7d1f03a5e8c1d2b4f6a79"])
    name: str = Field(examples=["my-pets"])
    created_at: datetime
    version: int = Field(description="increases each time photographs are added")
    images: int = Field(description="photographs, duplicates included")
    bytes: int
    sha256: str = Field(description="of the content, classes and photographs; independent of paths and order")
    classes: list[ClassSize] = Field(description="sorted by name, which is the order of a trained network's outputs")
    rejected_total: int = Field(description="number of rejected files")
    duplicates_total: int = Field(description="number of contents that occur more than once")
    duplicates_between_classes: int = Field(description="how many of these occur in several classes")


class DatasetDetail(DatasetBrief):
    """A data set with statistics of its classes, rejected files and duplicates."""

    classes: list[ClassInfo]  # type: ignore[assignment] # each is a ClassSize
    rejected: list[RejectedFile] = Field(description="the first 200")
    duplicates: list[DuplicateContent] = Field(description="the first 200, those between classes first")


class DatasetAdded(Schema):
    """Result of adding photographs."""

    added: int = Field(description="new photographs")
    unchanged: int = Field(description="photographs that were there already, with the same path and content")
    rejected: list[RejectedFile] = Field(description="rejected files of this request")
    dataset: DatasetDetail


class DatasetList(Schema):
    """A page of data sets, newest first."""

    data: list[DatasetBrief]
    has_more: bool
