"""The published files of a job: their names, their checksums, and the meta data that lies beside them."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

MODEL = "model.keras"
META = "meta.json"
_SAFE_ID = re.compile(r"[A-Za-z0-9_-]{1,100}")  # an id names a folder: no dots, no separators
_SAFE_FILE = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}")
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class PublishedFile:
    """A file's SHA-256 in hexadecimal, and its size."""

    sha256: str
    bytes: int


@dataclass(frozen=True, slots=True)
class Artifact:
    """Published files of a job by name, `meta.json` included."""

    files: Mapping[str, PublishedFile]

    @property
    def model(self) -> PublishedFile:
        """The network's file."""
        return self.files[MODEL]

    def record(self) -> dict[str, Any]:
        """Say what the job's result has to keep, so that a reader can tell these files from any others."""
        files = {name: asdict(file) for name, file in self.files.items()}
        return {"sha256": self.model.sha256, "bytes": self.model.bytes, "files": files}


def seal(folder: Path, meta: Mapping[str, Any], main: str) -> dict[str, PublishedFile]:
    """Add `meta.json`, with the checksums of all other files, to the files in a folder; return them all.

    Raises:
        ValueError: no file `main` was written, or something that is no plain file with a plain name.
        OSError: the disk refused.
    """
    paths = sorted(folder.iterdir())
    odd = [path.name for path in paths if not path.is_file() or not _SAFE_FILE.fullmatch(path.name)]
    if odd or not (folder / main).is_file():
        raise ValueError(f"no {main} was written" if not odd else f"{odd[0]!r} cannot be published")
    files = {path.name: describe(path) for path in paths if path.name != META}
    named = {name: asdict(file) for name, file in files.items()}
    (folder / META).write_text(json.dumps({**meta, "files": named}), encoding="utf-8")
    return files | {META: describe(folder / META)}


def describe(path: Path) -> PublishedFile:
    """Return a file's checksum and size.

    Raises:
        OSError: the file cannot be read.
    """
    return PublishedFile(checksum(path), path.stat().st_size)


def checksum(path: Path) -> str:
    """Return the SHA-256 of a file's bytes, in hexadecimal; 100 MB take about 0.1 s.

    Raises:
        OSError: the file cannot be read.
    """
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def safe_id(job_id: str) -> str:
    """Return an id that may name a folder.

    Raises:
        ValueError: it is no plain name, so it was not made by us.
    """
    if not _SAFE_ID.fullmatch(job_id):
        raise ValueError(f"{job_id[:100]!r} cannot name a folder")
    return job_id


def safe_file(name: str, sha256: str = "0" * 64) -> str:
    """Return a file's name that may be looked for.

    Raises:
        ValueError: it is no plain name, or the checksum is none.
    """
    if not _SAFE_FILE.fullmatch(name) or not _SHA256.fullmatch(sha256):
        raise ValueError(f"{name[:100]!r} with SHA-256 {sha256[:100]!r} cannot name a published file")
    return name
