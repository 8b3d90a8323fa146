"""A fine-tuning whose Redis is away, or the store with its photographs or its base."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bestguess.schemas.job_params import FinetuneParams
from bestguess.schemas.jobs import JobStatus
from jobs import registrations
from jobs.artifacts import ArtifactsUnavailable
from jobs.artifacts.folder import FolderStore
from jobs.artifacts.scratch import scratch
from jobs.datasets import calls
from jobs.errors import StoreUnavailable
from jobs.ids import new_job_id
from jobs.owners import EVERYBODY
from jobs.queue import FINETUNE
from jobs.settings import WorkerSettings
from support.datasets import stored
from support.finetune_jobs import LITE0
from support.photo_datasets import png
from support.stores import FullStore
from worker.errors import DatasetUnavailable, DiskUnavailable, Stopped
from worker.execution import Hands
from worker.finetune.job import BaseUnavailable, finetune_photographs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

    from jobs.records import Claim
    from jobs.store import Answer
    from jobs.transitions import Call, Script
    from support.redis_server import LiveRedis

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
        self.desk = root

    def fetch(self, job_id: str, name: str, sha256: str, to: Path) -> Path:
        """Verify a file, or not."""
        if self.lacking and job_id.startswith(self.lacking):
            raise ArtifactsUnavailable("It is silent.", passing=self.passing)
        return super().fetch(job_id, name, sha256, to)

    def scratch(self, name: str) -> AbstractContextManager[Path]:
        """Make a folder, or not."""
        return scratch(self.desk, name)


class Silent(FullStore):
    """A Redis that is away for calls of the script `lacking`."""

    lacking: Script | None = None

    def run(self, call: Call[Answer]) -> Answer:
        """Ask, or not."""
        if call.script == self.lacking:
            raise StoreUnavailable("Connection refused")
        return super().run(call)


@pytest.fixture
def redis(server: LiveRedis) -> Iterator[Silent]:
    """A store with no jobs in it."""
    with server.client() as client:
        client.flushall()
    with Silent(server.url) as store:
        yield store


@pytest.fixture
def artifacts(tmp_path: Path) -> Away:
    """An empty store."""
    return Away(tmp_path / "models")


@pytest.fixture
def do(redis: Silent, artifacts: Away, tmp_path: Path) -> Callable[[], object]:
    """Claim a training of a kept data set from a model that was fine-tuned here, to be done up to a first wait."""
    data = stored(redis, artifacts, {"cat": [png(0, 0)], "dog": [png(1, 0)]})
    base = claimed(redis)
    redis.finish(base.job_id, base.fence, JobStatus.SUCCEEDED, OWN | FILE | {"model_id": base.job_id})
    claim = claimed(redis, **FinetuneParams(dataset_id=data.id, base=base.job_id).model_dump(mode="json"))
    settings = WorkerSettings(data_dir=tmp_path)
    hands = Hands(lambda *_: None, should_stop=lambda: True)
    return lambda: finetune_photographs(settings, redis, artifacts, claim, hands)


def claimed(store: FullStore, **params: object) -> Claim:
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


@pytest.mark.parametrize(
    "lacking", [calls.get("x", EVERYBODY), registrations.get("x", EVERYBODY)], ids=["data set", "base"]
)
def test_redis_is_away(redis: Silent, do: Callable[[], object], lacking: Call[object]) -> None:
    """While Redis cannot say what the photographs or the base are, the job waits, until it is told to stop."""
    redis.lacking = lacking.script
    with pytest.raises(Stopped):
        do()


def test_the_folder_of_the_store_is_not_mounted(artifacts: Away, do: Callable[[], object]) -> None:
    """While the folder of the store is gone the job waits, and makes none in its place."""
    artifacts.root.rename(artifacts.root.with_name("elsewhere"))
    with pytest.raises(Stopped):
        do()
    assert not artifacts.root.exists()


def test_no_folder_for_what_is_fetched(artifacts: Away, do: Callable[[], object]) -> None:
    """Where no folder can be made for what is fetched, the job says that it is the disk, and where."""
    artifacts.desk /= "file"
    artifacts.desk.write_text("in the way")
    with pytest.raises(DiskUnavailable, match=r"Not a directory: .*/file/.*-data"):
        do()
