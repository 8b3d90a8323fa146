"""Data sets for tests: small images in archives, hostile archives, and data sets made without HTTP."""

from __future__ import annotations

import io
import tarfile
import zipfile
from typing import TYPE_CHECKING

from jobs.datasets.model import Draft, Entry, Index
from jobs.datasets.publishing import Packer, publish
from jobs.datasets.summary import summary
from jobs.ids import new_dataset_id
from jobs.owners import ANONYMOUS
from support.images import encoded, noise
from support.stores import FullDatasets, FullStore

if TYPE_CHECKING:
    from collections.abc import Mapping

    from jobs.artifacts import ArtifactStore
    from jobs.datasets.model import Dataset

SIZE = (24, 16)


def picture(seed: int) -> bytes:
    """Make a tiny photograph, another one for each seed."""
    return encoded(noise(SIZE, seed=seed), "PNG")


def pets(top: str = "") -> dict[str, bytes]:
    """Name the files of two classes with two photographs each."""
    names = ("cats/1.png", "cats/2.png", "dogs/1.png", "dogs/2.png")
    return {top + name: picture(seed) for seed, name in enumerate(names)}


def zipped(files: Mapping[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """Make a zip; a name that ends with / is a folder."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def tarred(files: Mapping[str, bytes | tarfile.TarInfo], mode: str = "w:gz", form: int = tarfile.PAX_FORMAT) -> bytes:
    """Make a tar; a TarInfo stands for itself, without content."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode, format=form) as archive:  # type: ignore[call-overload]
        for name, data in files.items():
            if isinstance(data, tarfile.TarInfo):
                archive.addfile(data)
                continue
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


def stored(
    jobs: FullStore, artifacts: ArtifactStore, classes: Mapping[str, list[bytes]], owner: str = ANONYMOUS
) -> Dataset:
    """Keep a data set as the service does, and return its record."""
    records, dataset_id = FullDatasets(jobs), new_dataset_id()
    part_id, entries = f"{dataset_id}-0", []
    records.expect(part_id)
    with artifacts.scratch(dataset_id) as folder:
        with Packer(folder) as packer:
            for label, contents in classes.items():
                for number, data in enumerate(contents):
                    sha256, spot = packer.add(data)
                    about = {"path": f"{label}/{number}.png", "label": label, "sha256": sha256} | spot._asdict()
                    entries.append(Entry(**about, width=SIZE[0], height=SIZE[1], format="PNG"))
        index = Index(photographs=entries)
        part = publish(artifacts, part_id, packer.path, index)
    return records.put(Draft(dataset_id, "pets", owner, 0, summary(index), [part], part_id), 100)
