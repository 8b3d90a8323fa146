"""The records of data sets, and the way from one to its photographs on another machine."""

import os
import random
from pathlib import Path

import pytest

from jobs.artifacts import ArtifactDamaged, ArtifactStore, open_store
from jobs.datasets import calls
from jobs.datasets.model import PACK, Draft, Index, Part
from jobs.datasets.opening import open_photographs
from jobs.datasets.summary import summary
from jobs.errors import DatasetChanged, DatasetNotFound, DatasetUsed, IdempotencyConflict, TooManyDatasets
from jobs.ids import new_dataset_id, new_job_id
from jobs.owners import EVERYBODY
from support.datasets import picture, stored
from support.job_store import queued
from support.stores import FullDatasets, FullStore, TwiceStore
from support.waiting import wait_until
from worker.housekeeper import Housekeeper

CLASSES = {"dogs": [picture(1), picture(2)], "cats": [picture(3), picture(1)], "apes": [picture(4)]}


@pytest.fixture
def artifacts(tmp_path: Path) -> ArtifactStore:
    """A folder for what is published."""
    return open_store(None, tmp_path)


def empty(owner: str = "", before: int = 0, dataset_id: str | None = None, part: str | None = None) -> Draft:
    """Draft a data set without photographs."""
    parts = [Part(id=part, files={})] if part else []
    return Draft(dataset_id or new_dataset_id(), "pets", owner, before, summary(Index()), parts, part)


def test_a_worker_reads_what_was_taken(store: FullStore, artifacts: ArtifactStore, tmp_path: Path) -> None:
    """Classes stand in the order of their names, photographs by class and path, and each one's bytes are its."""
    kept = stored(store, artifacts, CLASSES)
    photographs = open_photographs(FullDatasets(store).get(kept.id), artifacts, tmp_path / "cache")
    assert (photographs.id, photographs.name, photographs.sha256) == (kept.id, "pets", kept.sha256)
    assert photographs.classes == ("apes", "cats", "dogs")
    assert [(one.path, one.label) for one in photographs.photographs] == [
        ("apes/0.png", 0),
        ("cats/0.png", 1),
        ("cats/1.png", 1),
        ("dogs/0.png", 2),
        ("dogs/1.png", 2),
    ]
    contents = [data for name in photographs.classes for data in CLASSES[name]]
    order = random.Random(0).sample(range(5), 5)
    assert [photographs.read(index) for index in order] == [contents[index] for index in order]
    assert photographs.photographs[2].sha256 == photographs.photographs[3].sha256


def test_a_changed_file_is_not_read(store: FullStore, artifacts: ArtifactStore, tmp_path: Path) -> None:
    """Photographs that somebody has changed or removed, before or after they were opened, are not learned from."""
    kept = stored(store, artifacts, CLASSES)
    pack = tmp_path / "models" / kept.parts[0].id / PACK
    photographs = open_photographs(kept, artifacts, tmp_path)
    pack.write_bytes(pack.read_bytes()[:-1] + b"?")
    last = max(range(5), key=lambda index: photographs.photographs[index].path == "apes/0.png")
    with pytest.raises(ArtifactDamaged, match="not what was taken"):
        photographs.read(last)
    with pytest.raises(ArtifactDamaged, match=r"photographs\.pack has SHA-256"):
        open_photographs(kept, artifacts, tmp_path)
    artifacts.remove(kept.parts[0].id)
    with pytest.raises(ArtifactDamaged, match="not there"):
        open_photographs(kept, artifacts, tmp_path)
    with pytest.raises(ArtifactDamaged, match="its record"):
        open_photographs(stored(store, artifacts, CLASSES).model_copy(update={"sha256": "0" * 64}), artifacts, tmp_path)


def test_owners(store: FullStore) -> None:
    """Another's data set is not there; everybody's list has all of them, and the bound is each owner's."""
    records = FullDatasets(store)
    mine, theirs = records.put(empty("ann"), 1), records.put(empty("bob"), 1)
    with pytest.raises(TooManyDatasets, match="1 data sets"):
        records.put(empty("ann"), 1)
    for call in (records.get, records.remove):
        with pytest.raises(DatasetNotFound):
            call(theirs.id, "ann")
    assert [one.id for one in records.list(whose="ann").datasets] == [mine.id]
    assert {one.id for one in records.list(whose=EVERYBODY).datasets} == {mine.id, theirs.id}
    records.remove(mine.id, "ann")
    records.put(empty("ann"), 1)


def test_a_reply_that_was_lost(twice: TwiceStore) -> None:
    """Each call that is sent again, because its reply was lost, gives the same answer, and does nothing twice."""
    records = FullDatasets(twice)
    records.expect("ds_x-1")
    made = records.put(empty(part="ds_x-1"), 1)
    records.expect("ds_x-2")
    grown = records.put(empty(before=1, dataset_id=made.id, part="ds_x-2"), 1)
    assert (made.version, grown.version, grown.created_at) == (1, 2, made.created_at)
    assert [(one.id, one.version) for one in records.list().datasets] == [(made.id, 2)]
    records.remove(made.id)
    records.files_removed("ds_x-2")
    assert (records.list().datasets, records.leftovers()) == ([], [])


def test_two_at_once(store: FullStore) -> None:
    """Who adds to a version that is not the last any more is refused, and so is who was too slow to publish."""
    records = FullDatasets(store)
    made = records.put(empty(), 9)
    records.expect("ds_x-1")
    records.put(empty(before=1, dataset_id=made.id, part="ds_x-1"), 9)
    with pytest.raises(DatasetChanged):
        records.put(empty(before=1, dataset_id=made.id, part="ds_x-2"), 9)
    with pytest.raises(DatasetChanged):
        records.put(empty(before=2, dataset_id=made.id, part="ds_x-2"), 9)
    with pytest.raises(DatasetNotFound):
        records.put(empty(before=2), 9)


def test_used_by_a_job(store: FullStore) -> None:
    """A job that waits or runs keeps its data set as it is; others', and jobs that are over, do not."""
    records = FullDatasets(store)
    made, other = records.put(empty(), 9), records.put(empty(), 9)
    queued(store)
    job_id = store.create("finetune", {"dataset_id": made.id}, job_id=new_job_id(), most_queued=9).id
    claim = store.claim(job_id, "worker", 60)
    assert claim is not None
    for call in (lambda: records.remove(made.id), lambda: records.put(empty(before=1, dataset_id=made.id), 9)):
        with pytest.raises(DatasetUsed, match=job_id):
            call()
    records.remove(other.id)
    store.cancel(job_id)
    store.release(job_id, claim.fence)
    records.remove(made.id)


def test_what_is_left_goes(store: FullStore, artifacts: ArtifactStore, tmp_path: Path) -> None:
    """A worker removes photographs of removed data sets, what was published and never recorded, and half an intake."""
    records, keeper = FullDatasets(store), Housekeeper(store, artifacts, 60, 100)
    kept, gone = (stored(store, artifacts, CLASSES) for _ in range(2))
    artifacts.publish("ds_x-1", 1, lambda folder: (folder / "x").write_bytes(b"x"), {}, main="x")
    store.run(calls.expect("ds_x-1"))
    half = tmp_path / "models" / "ds_y.0a1b2c3d.tmp"
    half.mkdir()
    (half / "1.upload").write_bytes(b"half")
    os.utime(half, (0, 0))
    records.remove(gone.id)
    assert keeper.look()
    there = {path.name for path in (tmp_path / "models").iterdir()}
    assert there == {kept.parts[0].id, "ds_x-1"}  # which may still get its record
    store._client.zadd("bestguess:datasets:leftovers", {"ds_x-1": 1})
    wait_until(lambda: keeper.look() and not artifacts.exists("ds_x-1"), 10)
    assert records.leftovers() == []
    assert artifacts.exists(kept.parts[0].id)


def test_gone_before_the_job(twice: TwiceStore) -> None:
    """A job from a data set that is gone or changed at this moment is refused; one that is known is given back."""
    records, made = FullDatasets(twice), FullDatasets(twice).put(empty(), 9)

    def ask(version: int, key: str) -> str:
        params, wish = {"dataset_id": made.id}, (key, "body")
        asked = {"idempotency": wish, "most_queued": 9, "dataset": (made.id, version)}
        return twice.create("finetune", params, job_id=new_job_id(), **asked).id

    with pytest.raises(DatasetChanged):
        ask(2, "other")
    job_id = ask(1, "key")
    twice.cancel(job_id)
    records.remove(made.id)
    with pytest.raises(DatasetNotFound):
        ask(1, "other")
    assert ask(1, "key") == job_id
    known = twice.wished(("key", "body"))
    assert known
    assert known.id == job_id
    assert twice.wished(("other", "body")) is None
    assert twice.wished(("key", "body"), "ann") is None
    with pytest.raises(IdempotencyConflict):
        twice.wished(("key", "another body"))
