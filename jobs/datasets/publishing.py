"""The bytes of photographs on their way into the store of artifacts: one file, and each content once in it."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, NamedTuple

from jobs.datasets.model import INDEX, PACK, Part

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path
    from types import TracebackType
    from typing import Self

    from jobs.artifacts import ArtifactStore
    from jobs.datasets.model import Entry, Index


class Spot(NamedTuple):
    """Where a content is: in which part of its data set, from where on, and how many bytes."""

    part: int
    offset: int
    bytes: int


class Packer:
    """Writes contents into `<folder>/photographs.pack`, the part with this number; what `known` has is not written.

    `bytes` are those of all contents, with what was known. Raises OSError where the disk refuses.
    """

    def __init__(self, folder: Path, part: int = 0, known: Mapping[str, Spot] | None = None) -> None:
        self.path = folder / PACK
        self._part, self._spots = part, dict(known or {})
        self.bytes = sum(spot.bytes for spot in self._spots.values())
        self._file = self.path.open("xb")
        self._at = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def add(self, data: bytes) -> tuple[str, Spot]:
        """Write a content, unless it is there, and return its SHA-256 and its place."""
        sha256 = hashlib.sha256(data).hexdigest()
        if sha256 not in self._spots:
            self._file.write(data)
            self._spots[sha256] = Spot(self._part, self._at, len(data))
            self._at += len(data)
            self.bytes += len(data)
        return sha256, self._spots[sha256]


def spots(photographs: list[Entry]) -> dict[str, Spot]:
    """Say where the contents of a data set are."""
    return {entry.sha256: Spot(entry.part, entry.offset, entry.bytes) for entry in photographs}


def publish(artifacts: ArtifactStore, part: str, pack: Path, index: Index) -> Part:
    """Publish a pack, which is moved, with the index of the whole data set; in the store once this returns.

    Raises:
        ArtifactsUnavailable: the store refused, or the disk.
    """

    def write(folder: Path) -> None:
        pack.rename(folder / PACK)
        (folder / INDEX).write_text(index.model_dump_json(), encoding="utf-8")

    published = artifacts.publish(part, 1, write, {"images": len(index.photographs)}, main=INDEX)
    return Part(id=part, files={name: published.files[name] for name in (PACK, INDEX)})
