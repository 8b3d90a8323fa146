"""From a data set's record to its photographs on this machine, each file verified by its hash."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from jobs.artifacts import ArtifactDamaged
from jobs.datasets.model import INDEX, PACK, Index
from jobs.datasets.photographs import Photograph, Photographs
from jobs.datasets.summary import by_class, content_hash

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from jobs.artifacts import ArtifactStore
    from jobs.datasets.model import Dataset, Entry


def open_photographs(dataset: Dataset, artifacts: ArtifactStore, to: Path) -> Photographs:
    """Have a data set's photographs on this machine, classes by name, and the photographs of each by path.

    Where the store is no folder they are copied into one below `to`, and found there the next time; whoever owns `to`
    empties it. `read` may be called from several threads, and raises OSError or ArtifactDamaged where a file was
    removed or changed since.

    Args:
        dataset: its record, from `Datasets.get`.
        artifacts: the store that `BESTGUESS_ARTIFACTS_URL` names.
        to: a folder on this machine.

    Raises:
        ArtifactDamaged: a file is not there, or not what the record says; or all are there, and the content is another.
        ArtifactsUnavailable: the store cannot be reached, or the disk is full.
    """
    classes = by_class(read_index(dataset, artifacts).photographs)
    found = content_hash({name: [entry.sha256 for entry in entries] for name, entries in classes.items()})
    if found != dataset.sha256:
        raise ArtifactDamaged(f"The photographs of {dataset.id} have SHA-256 {found}, and its record {dataset.sha256}")
    packs = [artifacts.fetch(part.id, PACK, part.files[PACK].sha256, to) for part in dataset.parts]
    entries = [entry for name in classes for entry in sorted(classes[name], key=lambda one: (one.path, one.sha256))]
    labels = {name: label for label, name in enumerate(classes)}
    return Photographs(
        id=dataset.id,
        name=dataset.name,
        sha256=dataset.sha256,
        classes=tuple(classes),
        photographs=tuple(Photograph(entry.path, labels[entry.label], entry.sha256) for entry in entries),
        read=lambda index: _read(packs, entries[index]),
    )


def read_index(dataset: Dataset, artifacts: ArtifactStore) -> Index:
    """Read the index of a data set. Raises as `open_photographs`."""
    if not dataset.parts:
        return Index()
    last = dataset.parts[-1]
    wanted = last.files[INDEX]
    content = artifacts.read(last.id, INDEX, 0, wanted.bytes)
    if hashlib.sha256(content).hexdigest() != wanted.sha256:
        raise ArtifactDamaged(f"The index of {dataset.id} is not what its record says")
    try:
        return Index.model_validate_json(content)
    except ValueError as error:
        raise ArtifactDamaged(f"The index of {dataset.id} cannot be read by this version") from error


def _read(packs: Sequence[Path], entry: Entry) -> bytes:
    with packs[entry.part].open("rb") as file:
        file.seek(entry.offset)
        data = file.read(entry.bytes)
    return verified(data, entry)


def verified(data: bytes, entry: Entry) -> bytes:
    """Return a photograph's bytes, which are its.

    Raises:
        ArtifactDamaged: they are not.
    """
    if hashlib.sha256(data).hexdigest() != entry.sha256:
        raise ArtifactDamaged(f"The photograph {entry.sha256} is not what was taken in")
    return data
