import logging
import os
from pathlib import Path

import pytest

from jobs.artifacts import ArtifactsUnavailable, open_store
from jobs.artifacts.bucket import BucketStore
from jobs.artifacts.folder import FolderStore
from support.job_store import LEASE, queued, trained
from support.redis_server import LiveRedis
from support.stores import FullRegistry, FullStore
from support.waiting import wait_until
from worker.finetune.cache import ArrayCache
from worker.housekeeper import LOCK, Housekeeper


class Stuck(FolderStore):
    """A store that cannot remove what belongs to some jobs, nor look for what was left."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.stuck = set[str]()

    def remove(self, job_id: str) -> None:
        """Remove a job's files, or not."""
        self._refuse(job_id)
        super().remove(job_id)

    def remove_checkpoint(self, job_id: str) -> None:
        """Remove a job's checkpoints, or not."""
        self._refuse(job_id)
        super().remove_checkpoint(job_id)

    def sweep(self, _: float = 0) -> list[str]:
        """Fail as no store should."""
        raise RuntimeError("no sweep")

    def _refuse(self, job_id: str) -> None:
        if job_id in self.stuck:
            raise ArtifactsUnavailable(f"{job_id} is locked", passing=False)


def write(folder: Path) -> None:
    """Save a network."""
    (folder / "model.keras").write_bytes(b"weights")


def half_written(folder: Path, job_id: str) -> Path:
    """Leave what a process that was killed long ago would."""
    left = folder / f"{job_id}.0a1b2c3d.tmp"
    left.mkdir(parents=True)
    os.utime(left, (0, 0))
    return left


def test_old_jobs_go_with_their_files(store: FullStore, tmp_path: Path) -> None:
    """A job that is over for long goes with what it has published, and a younger one stays as it is."""
    artifacts, job = open_store(None, tmp_path), store.cancel(queued(store).id)
    artifacts.publish(job.id, 1, write, {})
    younger = Housekeeper(store, artifacts, 60, 100)
    assert younger.look()
    assert artifacts.exists(job.id)
    younger.start()
    younger.stop()  # which leaves its lock to the next
    keeper = Housekeeper(store, artifacts, 0, 100)
    wait_until(lambda: keeper.look() and not store.list().jobs, 10)
    assert not artifacts.exists(job.id)


def test_a_store_that_refuses(store: FullStore, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """While the artifacts cannot be removed no record goes, and the log says from the start what to do."""
    job = store.cancel(queued(store).id)
    keeper = Housekeeper(store, open_store("data://nothing", tmp_path), 0, 100)
    assert not keeper.look()
    caplog.clear()
    with caplog.at_level(logging.WARNING):
        keeper.start()
        wait_until(lambda: "BESTGUESS_ARTIFACTS_URL" in caplog.text, 10)
        keeper.stop()
    assert store.get(job.id) == job


def test_what_is_stuck_holds_nothing_up(store: FullStore, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """One job's or one network's files that cannot be removed, or a sweep that fails, keep nothing else from going."""
    artifacts, registry = Stuck(tmp_path / "models"), FullRegistry(store)
    jobs = [store.cancel(queued(store).id).id for _ in range(2)]
    networks = [trained(store, accuracy).id for accuracy in (0.5, 0.6, 0.7)]
    for one in (*jobs, *networks):
        artifacts.publish(one, 1, write, {})
    artifacts.stuck = {jobs[0], networks[0]}
    keeper = Housekeeper(store, artifacts, 0, 1)
    with caplog.at_level(logging.WARNING):
        assert not keeper.look()
    assert "no sweep" in caplog.text
    assert {job.id for job in store.list().jobs} == artifacts.stuck
    assert registry.leftovers() == [networks[0]]
    assert [one for one in (*jobs, *networks) if artifacts.exists(one)] == [jobs[0], networks[0], networks[2]]
    artifacts.stuck = set()
    assert keeper.look()
    assert (store.list().jobs, registry.leftovers()) == ([], [])
    assert [path.name for path in artifacts.root.iterdir()] == [networks[2]]


def test_a_network_that_stays_leaves_no_checkpoint(store: FullStore, tmp_path: Path) -> None:
    """A job whose network stays keeps its record until its checkpoint is gone."""
    artifacts, job_id = Stuck(tmp_path / "models"), trained(store).id
    artifacts.publish(job_id, 1, write, {})
    with artifacts.checkpoint(job_id) as place:
        place.folder.mkdir()
    artifacts.stuck = {job_id}
    keeper = Housekeeper(store, artifacts, 0, 100)
    keeper.look()
    assert [job.id for job in store.list().jobs] == [job_id]
    artifacts.stuck = set()
    keeper.look()
    assert store.list().jobs == []
    assert [path.name for path in artifacts.root.iterdir()] == [job_id]


def test_half_written_files_go(store: FullStore, tmp_path: Path) -> None:
    """What a killed process has left is swept when the keeper begins, and after that not more than once an hour."""
    keeper = Housekeeper(store, open_store(None, tmp_path), 60, 100)
    left = half_written(tmp_path / "models", "job_1")
    keeper.look()
    assert not left.exists()
    later = half_written(tmp_path / "models", "job_2")
    keeper.look()
    assert later.exists()


def test_each_machine_is_swept(store: FullStore, tmp_path: Path) -> None:
    """Each worker sweeps its own machine, also one that has not got the lock."""
    assert store.lock(LOCK, "another", LEASE)
    left = half_written(tmp_path / "models", "job_1")
    assert Housekeeper(store, BucketStore("memory://bucket", tmp_path / "models"), 60, 100).look()
    assert not left.exists()
    half = half_written(tmp_path / "shared", "job_1")
    assert Housekeeper(store, FolderStore(tmp_path / "shared"), 60, 100).look()
    assert half.exists()


def test_what_a_lost_job_has_computed_goes(store: FullStore, tmp_path: Path) -> None:
    """What a job has begun to compute is removed once it is over, whoever ended it; an unfinished job's stays."""
    over, waits = store.cancel(queued(store).id).id, queued(store).id
    for owner in (over, waits, "job_of_others"):
        (tmp_path / f"0.{owner}.part").mkdir()
    Housekeeper(store, FolderStore(tmp_path / "models"), 60, 100, ArrayCache(tmp_path, 10**6)).look()
    assert ArrayCache(tmp_path, 10**6).owners() == {waits, "job_of_others"}


def test_a_full_redis_is_relieved(store: FullStore, server: LiveRedis, tmp_path: Path) -> None:
    """When Redis is full old jobs and networks go all the same, which is what makes room."""
    artifacts = open_store(None, tmp_path)
    store.cancel(queued(store).id)
    networks = [trained(store, accuracy).id for accuracy in (0.5, 0.6)]
    with server.client() as client:
        client.config_set("maxmemory", 1)
        try:
            assert Housekeeper(store, artifacts, 0, 1).look()
        finally:
            client.config_set("maxmemory", 0)
    assert store.list().jobs == []
    assert [model.id for model in FullRegistry(store).list()] == networks[1:]


def test_networks_beyond_the_bound_go(store: FullStore, tmp_path: Path) -> None:
    """The oldest that are neither the best nor named go, with their files; a removed one's files go too."""
    artifacts, registry = open_store(None, tmp_path), FullRegistry(store)
    ids = [trained(store, accuracy).id for accuracy in (0.99, 0.5, 0.6, 0.7, 0.8)]
    for model_id in ids:
        artifacts.publish(model_id, 1, write, {})
    registry.set_alias("mine", ids[1])
    registry.remove(ids[4])
    Housekeeper(store, artifacts, 60, 1).look()
    kept = [ids[3], ids[1], ids[0]]
    assert [model.id for model in registry.list()] == kept
    assert [model_id for model_id in reversed(ids) if artifacts.exists(model_id)] == kept
