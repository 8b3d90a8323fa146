"""Data sets, written down for the wire."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bestguess import schemas

if TYPE_CHECKING:
    from app.datasets.intake import Added
    from jobs.datasets.model import Dataset, Listed


def brief(dataset: Listed) -> schemas.DatasetBrief:
    """Say the most important."""
    return schemas.DatasetBrief.model_validate(_facts(dataset))


def detail(dataset: Dataset) -> schemas.DatasetDetail:
    """Say all that its record knows."""
    return schemas.DatasetDetail.model_validate(_facts(dataset))


def added(found: Added) -> schemas.DatasetAdded:
    """Say what came of adding photographs."""
    return schemas.DatasetAdded(
        added=found.added,
        unchanged=found.unchanged,
        rejected=[schemas.RejectedFile(path=one.path, reason=one.reason) for one in found.rejected],
        dataset=detail(found.dataset),
    )


def _facts(dataset: Listed) -> dict[str, object]:
    return dataset.model_dump(exclude={"parts", "owner"}) | {"duplicates_between_classes": dataset.mixed}
