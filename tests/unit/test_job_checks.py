"""Checks of a fine-tuning's parameters that would take too many photographs to try through HTTP."""

import asyncio
from datetime import UTC, datetime
from typing import TYPE_CHECKING, cast

import pytest

from app.errors import Invalid
from app.inference.classifier import Networks
from app.services.job_checks import check_finetune
from app.services.models import ModelCatalog
from app.settings import Settings
from bestguess.schemas.job_params import FinetuneParams
from jobs.datasets.model import ClassFacts, Dataset, Span

if TYPE_CHECKING:
    from app.inference.model_cache import ModelCache


class OneDataset:
    """The data set service's records, with one data set."""

    def __init__(self, dataset: Dataset) -> None:
        self.records, self._dataset = self, dataset

    async def get(self, _dataset_id: str, _owner_filter: str) -> Dataset:
        """Return it."""
        return self._dataset


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
    datasets = OneDataset(_dataset(10_000))
    catalog = ModelCatalog(Networks(Settings()), cast("ModelCache", None), None, deadline=1)
    params = FinetuneParams(dataset_id="ds_1", epochs=301)
    with pytest.raises(Invalid, match="with 10,000 photographs at most 300 epochs are accepted"):
        asyncio.run(check_finetune(params, datasets, catalog, "*"))  # type: ignore[arg-type]
    wanted = params.model_copy(update={"epochs": 300})
    assert asyncio.run(check_finetune(wanted, datasets, catalog, "*")) == (wanted, ("ds_1", 1))  # type: ignore[arg-type]
