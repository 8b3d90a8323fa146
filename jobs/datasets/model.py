"""What is kept of a data set: the record in Redis, and the index of its photographs, which lies beside their bytes."""

from __future__ import annotations

from collections.abc import Sequence  # noqa: TC003 - pydantic reads the annotations
from datetime import datetime  # noqa: TC003 - likewise
from typing import NamedTuple

from pydantic import Field

from bestguess.schemas.base import Frozen
from jobs.artifacts import PublishedFile  # noqa: TC001 - likewise

PACK, INDEX = "photographs.pack", "index.json"  # the files of a part


class Entry(Frozen):
    """A photograph: where it lay in what was sent, its class, and where its bytes are: in which part, from where on."""

    path: str
    label: str
    sha256: str
    part: int
    offset: int
    bytes: int
    width: int
    height: int
    format: str


class Refused(Frozen):
    """A file that was not taken, and why, in words for who sent it."""

    path: str
    reason: str


class Index(Frozen):
    """Every photograph of a data set, and the files that were refused: the first ones, and how many more."""

    photographs: list[Entry] = Field(default_factory=list)
    rejected: list[Refused] = Field(default_factory=list)
    rejected_more: int = 0


class Span(Frozen):
    """The least and the most of something."""

    min: int
    max: int


class ClassCount(Frozen):
    """A class, and how many photographs it has."""

    name: str
    images: int


class ClassFacts(ClassCount):
    """A class in figures; `samples` are the SHA-256 of a few of its photographs, one to show for each."""

    bytes: int
    width: Span
    height: Span
    samples: list[str]


class Place(Frozen):
    """Where one of several photographs with the same content lies; its path is for people to read."""

    path: str
    label: str


class Duplicate(Frozen):
    """Photographs with the same content, byte for byte."""

    sha256: str
    photographs: list[Place]


class Brief(Frozen):
    """The most important of a data set: what is read of it in a list.

    `sha256` is that of the whole content: classes, and the photographs of each, whatever their paths and their order.
    `mixed` counts the contents that are in several classes.
    """

    classes: Sequence[ClassCount] = ()
    images: int = 0
    bytes: int = 0
    sha256: str
    rejected_total: int = 0
    duplicates_total: int = 0
    mixed: int = 0


class Summary(Brief):
    """What can be said of a data set without its index; long lists are cut, and their lengths stand beside them."""

    classes: Sequence[ClassFacts] = ()
    rejected: Sequence[Refused] = ()
    duplicates: Sequence[Duplicate] = ()


class Part(Frozen):
    """What one intake has published, by its id in the store of artifacts.

    The last one's index is the data set's; those that it has replaced are removed after a while.
    """

    id: str
    files: dict[str, PublishedFile]


class Listed(Brief):
    """A data set in a list; `version` grows with each intake, and `created_at` is Redis's time of the first."""

    id: str
    name: str
    owner: str
    created_at: datetime
    version: int


class Dataset(Summary, Listed):
    """A data set as Redis has it."""

    parts: Sequence[Part] = ()


class Draft(NamedTuple):
    """A data set as it is to become: the version that it replaces, 0 where it is new, and the part that it needs."""

    id: str
    name: str
    owner: str
    before: int
    summary: Summary
    parts: Sequence[Part]
    new_part: str | None


class DatasetPage(NamedTuple):
    """A part of the list of data sets, the newest first, and whether older ones follow.

    `last` is the id where the part ends, which a damaged data set that was passed over may have.
    """

    datasets: list[Listed]
    has_more: bool
    last: str | None = None
