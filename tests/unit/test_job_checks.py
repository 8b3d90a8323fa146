"""Checks of a fine-tuning's parameters that would take too many photographs to try through HTTP."""

import asyncio
from datetime import UTC, datetime

import pytest

from app.errors import Invalid
from app.services import job_checks
from bestguess.schemas.job_params import FinetuneParams
from jobs.datasets.model import ClassFacts, Dataset, Span


class UnusedCatalog:
    """A catalogue that is not asked for a pretrained network."""


def _dataset(images: int) -> Dataset:
    """Describe a data set of two classes, without its photographs."""
    side = Span(min=100, max=200)
    classes = [
        ClassFacts(name=name, images=images // 2, bytes=9, width=side, height=side, samples=[])
        for name in ("cat", "dog")
    ]
    at = datetime(2026, 1, 1, tzinfo=UTC)
    return Dataset(
        id="ds_1", name="pets", owner="", created_at=at, version=1, classes=classes, images=images, sha256="a" * 64
    )


def test_no_more_than_an_operator_would_wait_for() -> None:
    """Photographs times epochs are bounded, and the answer says how many epochs there may be."""
    params = FinetuneParams(dataset_id="ds_1", epochs=301)
    with pytest.raises(Invalid, match="with 10,000 photographs at most 300 epochs are accepted"):
        asyncio.run(job_checks.check_finetune(params, _dataset(10_000), UnusedCatalog(), "*"))  # type: ignore[arg-type]
    wanted = params.model_copy(update={"epochs": 300})
    assert asyncio.run(job_checks.check_finetune(wanted, _dataset(10_000), UnusedCatalog(), "*")) == wanted  # type: ignore[arg-type]
