"""What a store in a folder does with the disk: removing, sweeping, and owners who publish at the same time."""

import multiprocessing
import os
import signal
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

import pytest

from jobs.artifacts import ArtifactDamaged, ArtifactsUnavailable, disk, open_store
from jobs.artifacts.bucket import BucketStore
from jobs.artifacts.folder import FolderStore
from jobs.errors import LeaseLost
from support.artifacts import read_meta

WEIGHTS = sha256(b"weights").hexdigest()


@pytest.fixture
def store(tmp_path: Path) -> FolderStore:
    """An empty store."""
    return FolderStore(tmp_path / "models")


def write(folder: Path) -> None:
    """Save a network."""
    (folder / "model.keras").write_bytes(b"weights")


def names(folder: Path) -> list[str]:
    """Name what lies in a folder."""
    return sorted(path.name for path in folder.iterdir())


def test_remove_where_no_other_name_can_be_given(tmp_path: Path) -> None:
    """A folder that the disk gives no other name, here since that would be too long, is removed where it is."""
    folder = tmp_path / ("x" * 250)
    folder.mkdir()
    write(folder)
    with pytest.raises(OSError, match="too long"):
        disk.move_aside(folder)
    disk.remove(folder)
    assert names(tmp_path) == []
    disk.remove(tmp_path / "nothing")


def test_sweep_knows_its_own(store: FolderStore) -> None:
    """Only what has a name of ours is swept, and only folders; whatever else ends in .tmp is somebody else's."""
    ours = ["job_1.0a1b2c3d.tmp", "job_1.checkpoint.0a1b2c3d.tmp"]
    theirs = ["job_2.tmp", "job_2.old.tmp", "my.notes.0a1b2c3d.tmp", ".0a1b2c3d.tmp", "job_2.0A1B2C3D.tmp"]
    for name in (*ours, *theirs):
        (store.root / name).mkdir(parents=True)
        write(store.root / name)
    (store.root / "job_3.0a1b2c3d.tmp").write_text("a file")
    (store.root / "job_4.0a1b2c3d.tmp").symlink_to(store.root / theirs[0])
    kept = sorted([*theirs, "job_3.0a1b2c3d.tmp", "job_4.0a1b2c3d.tmp"])
    assert sorted(store.sweep(older_than=0)) == ours
    assert (names(store.root), names(store.root / theirs[0])) == (kept, ["model.keras"])


def test_what_is_made_is_known_to_the_sweep(store: FolderStore) -> None:
    """What a publisher or a remover who is killed leaves has a name by which it is swept."""
    moved = disk.move_aside(store.root / "job_1")
    assert moved is None
    store.publish("job_1", 1, write, {})
    moved = disk.move_aside(store.root / "job_1")
    assert moved is not None
    process = multiprocessing.get_context("spawn").Process(target=killed_at_work, args=(store.root,))
    process.start()
    process.join(60)
    assert process.exitcode == -signal.SIGKILL
    left = names(store.root)
    assert [name.rpartition(".")[0].rpartition(".")[0] for name in left] == ["job_1", "job_2", "job_3.checkpoint"]
    assert sorted(store.sweep(older_than=0)) == left
    assert names(store.root) == []


def killed_at_work(root: Path) -> None:
    """Make folders, and be killed before they are removed."""
    with disk.beside(root, "job_2"), disk.beside_if_possible(root, "job_3.checkpoint"):
        os.kill(os.getpid(), signal.SIGKILL)


def test_what_is_at_work_stays(tmp_path: Path) -> None:
    """A job's folders are spared for as long as it works with them, however long that is."""
    bucket = BucketStore("memory://bucket", tmp_path)
    with bucket.scratch("job_1-data") as data, bucket.checkpoint("job_1") as place:
        for folder in (data, place.folder):
            os.utime(folder, (0, 0))
        assert bucket.sweep_here() == []
        assert names(tmp_path) == sorted([data.name, place.folder.name])
    assert names(tmp_path) == []


def test_owners_who_publish_at_once(store: FolderStore) -> None:
    """Of owners who publish at the same time the latest one's files stay, whole, with nothing beside them."""

    def publish(fence: int) -> None:
        with suppress(LeaseLost):
            store.publish("job_1", fence, write, {})

    with ThreadPoolExecutor(4) as threads:
        for first in range(1, 81, 4):
            list(threads.map(publish, range(first, first + 4)))
            assert read_meta(store, "job_1")["fence"] == first + 3
            assert names(store.root) == ["job_1"]


def test_an_owner_who_is_overtaken(store: FolderStore) -> None:
    """Who finds, after writing, that a later owner has published, is told so, and leaves that one's files alone."""

    def overtaken(folder: Path) -> None:
        write(folder)
        store.publish("job_1", 2, write, {})

    with pytest.raises(LeaseLost):
        store.publish("job_1", 1, overtaken, {})
    assert (read_meta(store, "job_1")["fence"], names(store.root)) == (2, ["job_1"])


def test_a_folder_that_is_not_there(store: FolderStore, tmp_path: Path) -> None:
    """While the whole folder is away a network is not called damaged; where only its files are gone it is."""
    with pytest.raises(ArtifactsUnavailable, match="Is it mounted"):
        store.fetch("job_1", "model.keras", WEIGHTS, tmp_path)
    store.publish("job_2", 1, write, {})
    with pytest.raises(ArtifactDamaged, match="is not there"):
        store.fetch("job_1", "model.keras", WEIGHTS, tmp_path)


def test_a_file_that_cannot_be_read(store: FolderStore, tmp_path: Path) -> None:
    """A file that the system does not let us read may be whole, and is not called damaged."""
    path = store.root / "job_1" / "model.keras"
    path.parent.mkdir(parents=True)
    path.symlink_to(path)
    with pytest.raises(ArtifactsUnavailable, match="symbolic links"):
        store.fetch("job_1", "model.keras", WEIGHTS, tmp_path)


def test_what_lies_here_of_a_bucket(tmp_path: Path) -> None:
    """What was on its way to a bucket is swept from each machine by itself, without asking the bucket."""
    left = tmp_path / "models" / "job_1.checkpoint.0a1b2c3d.tmp"
    left.mkdir(parents=True)
    os.utime(left, (0, 0))
    store = open_store("s3://bucket/prefix", tmp_path)
    assert (store.sweep_here(), store.sweep_here()) == ([left.name], [])
