"""What a training leaves, in a folder or in a bucket: published whole or not at all, and read by its SHA-256.

Files count only once the job's record names them. Swept is what was left half written, or moved aside to be removed, by
its name and its age; what is whole stays until somebody who knows its job removes it, also where no record names it.
"""

from __future__ import annotations

from jobs.artifacts.checkpoints import CheckpointFolder
from jobs.artifacts.errors import ArtifactDamaged, ArtifactsUnavailable
from jobs.artifacts.files import META, MODEL, Artifact, PublishedFile, checksum
from jobs.artifacts.store import ArtifactStore, open_store

__all__ = [
    "META",
    "MODEL",
    "Artifact",
    "ArtifactDamaged",
    "ArtifactStore",
    "ArtifactsUnavailable",
    "CheckpointFolder",
    "PublishedFile",
    "checksum",
    "open_store",
]
