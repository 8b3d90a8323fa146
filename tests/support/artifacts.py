"""Metadata stored beside published files, which the product only writes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from jobs.artifacts import META

if TYPE_CHECKING:
    from jobs.artifacts import ArtifactStore


def read_meta(store: ArtifactStore, job_id: str) -> dict[str, Any]:
    """Read the meta data of a job's published files."""
    meta: dict[str, Any] = json.loads(store.read(job_id, META, 0, 1_000_000))
    return meta
