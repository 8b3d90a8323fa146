"""Data sets of photographs."""

from __future__ import annotations

from datetime import datetime  # noqa: TC003 - pydantic reads the annotations

from pydantic import Field

from bestguess.schemas.base import Schema


class Range(Schema):
    """The least and the most, in pixels."""

    min: int
    max: int


class ClassSize(Schema):
    """A class, and how many photographs it has."""

    name: str = Field(examples=["cats"])
    images: int = Field(examples=[120])


class ClassInfo(ClassSize):
    """A class in figures."""

    bytes: int = Field(description="of its photographs together")
    width: Range
    height: Range
    samples: list[str] = Field(description="SHA-256 of a few, to be had at `/datasets/{id}/images/{sha256}?size=96`")


class RejectedFile(Schema):
    """A file that was not taken."""

    path: str = Field(examples=["cats/notes.txt"])
    reason: str


class DuplicatePlace(Schema):
    """Where a photograph lies, and of which class it is said to be."""

    path: str
    label: str


class DuplicateContent(Schema):
    """Photographs with the same content, byte for byte. All of them are kept, and none is in two parts of a split."""

    sha256: str
    photographs: list[DuplicatePlace] = Field(description="the first five")


class DatasetBrief(Schema):
    """A data set in a list."""

    id: str = Field(examples=["ds_0198c2b7d1f03a5e8c1d2b4f6a79"])
    name: str = Field(examples=["my-pets"])
    created_at: datetime
    version: int = Field(description="grows each time that photographs are added")
    images: int = Field(description="photographs, duplicates included")
    bytes: int
    sha256: str = Field(description="of the content: classes and photographs, whatever their paths and their order")
    classes: list[ClassSize] = Field(description="in the order of their names, as a network's outputs will be")
    rejected_total: int = Field(description="files that were not taken")
    duplicates_total: int = Field(description="contents that are there several times")
    duplicates_between_classes: int = Field(description="of these, those that are in several classes")


class DatasetDetail(DatasetBrief):
    """A data set with its classes in figures, and what is to be said of its files."""

    classes: list[ClassInfo]  # type: ignore[assignment] # each is a ClassSize
    rejected: list[RejectedFile] = Field(description="the first 200")
    duplicates: list[DuplicateContent] = Field(description="the first 200, those between classes first")


class DatasetAdded(Schema):
    """What came of adding photographs."""

    added: int = Field(description="new photographs")
    unchanged: int = Field(description="that were there already, with the same path and content")
    rejected: list[RejectedFile] = Field(description="files of this request that were not taken")
    dataset: DatasetDetail


class DatasetList(Schema):
    """A page of data sets, the newest first."""

    data: list[DatasetBrief]
    has_more: bool
