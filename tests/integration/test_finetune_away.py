"""A fine-tuning whose photographs or base lie in a store that is away."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from data_sets import stored
from finetunings import LITE0
from photo_sets import png

from jobs.artifacts import ArtifactsUnavailable
from jobs.artifacts.folder import FolderStore
from jobs.finetune import FinetuneParams
from jobs.ids import new_job_id
from jobs.model import JobStatus
from jobs.queue import FINETUNE
from jobs.settings import WorkerSettings
from worker.errors import DatasetUnavailable, Stopped
from worker.execution import Hands
from worker.finetune.job import BaseUnavailable, DiskFull, finetune_photographs

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from jobs.model import Claim
    from jobs.store import JobStore

OWN = {
    "root": LITE0,
    "parent": LITE0,
    "classes": ["a", "b"],
    "freeze": 47,
    "cut": {"layer": "block15_add", "frozen": 45},
    "root_weights": {"origin": "imagenet", "hash": "md5:1"},
}
FILE = {"sha256": "a" * 64, "bytes": 9, "validation_accuracy": 0.5}


class Away(FolderStore):
    """A store that does not answer when it is asked for what belongs to `lacking`; `passing` as its error says."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.lacking, self.passing = "", False

    def fetch(self, job_id: str, name: str, sha256: str, to: Path) -> Path:
        """Verify a file, or not."""
        if self.lacking and job_id.startswith(self.lacking):
            raise ArtifactsUnavailable("It is silent.", passing=self.passing)
        return super().fetch(job_id, name, sha256, to)


@pytest.fixture
def artifacts(tmp_path: Path) -> Away:
    """An empty store."""
    return Away(tmp_path / "models")


@pytest.fixture
def do(store: JobStore, artifacts: Away, tmp_path: Path) -> Callable[[], object]:
    """Claim a training of a kept data set from a model that was fine-tuned here, to be done up to a first wait."""
    data = stored(store, artifacts, {"cat": [png(0, 0)], "dog": [png(1, 0)]})
    base = claimed(store)
    store.finish(base.job_id, base.fence, JobStatus.SUCCEEDED, OWN | FILE | {"model_id": base.job_id})
    claim = claimed(store, **FinetuneParams(dataset_id=data.id, base=base.job_id).model_dump(mode="json"))
    settings = WorkerSettings(data_dir=tmp_path)
    hands = Hands(lambda *_: None, should_stop=lambda: True)
    return lambda: finetune_photographs(settings, store, artifacts, claim, hands)


def claimed(store: JobStore, **params: object) -> Claim:
    """Make a job and claim it."""
    job_id = store.create(FINETUNE, params, job_id=new_job_id(), most_queued=10).id
    claim = store.claim(job_id, "worker", 60)
    assert claim is not None
    return claim


@pytest.mark.parametrize(
    ("lacking", "kind", "words"),
    [("ds_", DatasetUnavailable, "The photographs cannot"), ("job_", BaseUnavailable, "The base cannot")],
)
def test_a_store_that_is_away(
    artifacts: Away, do: Callable[[], object], lacking: str, kind: type[Exception], words: str
) -> None:
    """While a store may come back the job waits, until it is told to stop; else it says what cannot be reached."""
    artifacts.lacking, artifacts.passing = lacking, True
    with pytest.raises(Stopped):
        do()
    artifacts.passing = False
    with pytest.raises(kind, match=rf"{words} be reached: It is silent\."):
        do()


def test_no_folder_for_what_is_fetched(artifacts: Away, do: Callable[[], object]) -> None:
    """Where no folder can be made for what is fetched, the job says that it is the disk, and where."""
    artifacts.root = artifacts.root / "file"
    artifacts.root.write_text("in the way")
    with pytest.raises(DiskFull, match="Make room there"):
        do()
