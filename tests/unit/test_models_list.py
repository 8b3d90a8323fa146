"""`GET /models` without Redis: what it does with the records of trained models."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

from app.inference.classifier import Networks
from app.routes.models import models
from app.services.models import ModelCatalog
from app.settings import Settings
from jobs.ids import new_job_id
from jobs.owners import EVERYBODY
from jobs.queue import FINETUNE
from jobs.trained import TrainedModel

if TYPE_CHECKING:
    from app.inference.model_cache import ModelCache
    from app.services.jobs import JobService

RESULT = {
    "root": "efficientnet-lite0",
    "parent": "efficientnet-lite0",
    "classes": ["cat", "dog"],
    "freeze": 47,
    "cut": {"layer": "block15_add", "frozen": 45},
    "root_weights": {"origin": "imagenet", "hash": "sha256:1"},
}


class CountedModel(TrainedModel):
    """A record that counts how often its job's result is read, to be parsed."""

    def __getattribute__(self, name: str) -> Any:  # noqa: ANN401 - any attribute
        """Count."""
        if name == "result":
            READS.append(object.__getattribute__(self, "id"))
        return super().__getattribute__(name)


READS: list[str] = []


def _record() -> CountedModel:
    job_id, facts = new_job_id(), {"sha256": "a" * 64, "bytes": 9, "created_at": datetime.now(UTC), "params": {}}
    return CountedModel.model_validate({"id": job_id, "job_id": job_id, "kind": FINETUNE, "result": RESULT} | facts)


class FewModels:
    """A registry of these models."""

    def __init__(self, *listed: TrainedModel) -> None:
        self.listed = listed

    async def list(self, *_: str) -> tuple[TrainedModel, ...]:
        """List them."""
        return self.listed

    async def aliases(self, _: str) -> dict[str, str]:
        """Name none."""
        return {}


def test_a_record_is_parsed_once() -> None:
    """One request for the list parses the record of each fine-tuned model once, whatever it takes from it."""
    records = [_record() for _ in range(3)]
    jobs = cast("JobService", SimpleNamespace(registry=FewModels(*records)))
    cache = cast("ModelCache", SimpleNamespace(loaded=lambda _: None))
    READS.clear()
    found = asyncio.run(models(ModelCatalog(Networks(Settings()), cache, jobs, deadline=1), EVERYBODY))
    trained = [model.trained for model in found.data if model.trained]
    assert [facts.classes for facts in trained] == 3 * [["cat", "dog"]]
    assert sorted(READS) == sorted(record.id for record in records)
