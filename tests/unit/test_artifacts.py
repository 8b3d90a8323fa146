import os
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path

import fsspec
import pytest

from jobs import artifacts
from jobs.artifacts import ArtifactDamaged, ArtifactStore, ArtifactsUnavailable, open_store
from jobs.artifacts.bucket import BucketStore
from jobs.errors import LeaseLost
from support.artifacts import read_meta
from support.waiting import wait_until

WEIGHTS = sha256(b"weights").hexdigest()


def model(content: bytes, **others: bytes) -> Callable[[Path], None]:
    """A network that can be saved, and other files, each named with `_` for its dot."""

    def write(folder: Path) -> None:
        (folder / artifacts.MODEL).write_bytes(content)
        for name, data in others.items():
            (folder / name.replace("_", ".")).write_bytes(data)

    return write


@pytest.fixture(params=["folder", "bucket"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[ArtifactStore]:
    """A store in a folder, and one in a file system of fsspec's that has no renaming of folders to rely upon."""
    if request.param == "folder":
        yield open_store(str(tmp_path / "models"), tmp_path)
        return
    yield BucketStore("memory://bucket/models", tmp_path / "models")
    fsspec.filesystem("memory").store.clear()


def left(tmp_path: Path) -> list[str]:
    """Name everything that lies in the store or beside it."""
    here = [str(path.relative_to(tmp_path / "models")) for path in (tmp_path / "models").rglob("*") if path.is_file()]
    return sorted(here + [path.removeprefix("/bucket/models/") for path in fsspec.filesystem("memory").find("/")])


def test_publish(store: ArtifactStore, tmp_path: Path) -> None:
    """What was published is found by its checksum, with its meta data, its size, and nothing beside it."""
    artifact = store.publish("job_1", 1, model(b"weights", report_json=b"{}"), {"test_accuracy": 0.9})
    assert store.exists("job_1")
    assert (artifact.model.sha256, artifact.model.bytes) == (WEIGHTS, 7)
    assert sorted(artifact.files) == ["meta.json", "model.keras", "report.json"]
    for name, file in artifact.files.items():
        path = store.fetch("job_1", name, file.sha256, tmp_path / "here")
        assert path.name == name
        assert sha256(path.read_bytes()).hexdigest() == file.sha256
    meta = read_meta(store, "job_1")
    assert (meta["test_accuracy"], meta["fence"]) == (0.9, 1)
    assert meta["files"]["model.keras"] == {"sha256": WEIGHTS, "bytes": 7}
    assert [name.rpartition("/")[2] for name in left(tmp_path)] == sorted(artifact.files)


def test_what_the_record_keeps(store: ArtifactStore) -> None:
    """A job's record keeps the network's checksum and size, and those of every file."""
    artifact = store.publish("job_1", 1, model(b"weights"), {})
    record = artifact.record()
    assert (record["sha256"], record["bytes"]) == (WEIGHTS, 7)
    assert record["files"]["model.keras"] == {"sha256": WEIGHTS, "bytes": 7}
    assert sorted(record["files"]) == ["meta.json", "model.keras"]


def test_nothing_published(store: ArtifactStore, tmp_path: Path) -> None:
    """Where nothing was published nothing is found, and there is nothing to remove."""
    assert not store.exists("job_1")
    store.remove("job_1")
    store.remove_checkpoint("job_1")
    store.remove_file("job_1", "model.keras")
    store.publish("job_2", 1, model(b"weights"), {})
    with pytest.raises(ArtifactDamaged, match="is not there"):
        store.fetch("job_1", "model.keras", WEIGHTS, tmp_path / "here")


def test_one_file_is_removed(store: ArtifactStore, tmp_path: Path) -> None:
    """A file that nobody needs any more is removed, and the others of its job stay, as do those of other jobs."""
    for job_id in ("job_1", "job_2"):
        store.publish(job_id, 1, model(b"weights", report_json=b"{}"), {})
    store.remove_file("job_1", "report.json")
    store.remove_file("job_1", "report.json")
    there = sorted((Path(name).parts[0], Path(name).name) for name in left(tmp_path))
    assert there == [
        ("job_1", "meta.json"),
        ("job_1", "model.keras"),
        ("job_2", "meta.json"),
        ("job_2", "model.keras"),
        ("job_2", "report.json"),
    ]
    assert store.fetch("job_1", "model.keras", WEIGHTS, tmp_path / "here").read_bytes() == b"weights"
    with pytest.raises(ValueError, match="cannot name"):
        store.remove_file("job_2", "../job_1/model.keras")


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_whole_or_not_at_all(store: ArtifactStore, tmp_path: Path, error: type[BaseException]) -> None:
    """A model whose writing fails or is stopped leaves nothing, and what was there before as it was."""

    def breaks(folder: Path) -> None:
        (folder / artifacts.MODEL).write_bytes(b"half")
        raise error

    with pytest.raises(error):
        store.publish("job_1", 1, breaks, {})
    assert left(tmp_path) == []
    store.publish("job_1", 1, model(b"weights"), {})
    before = left(tmp_path)
    with pytest.raises(error):
        store.publish("job_1", 1, breaks, {})
    assert left(tmp_path) == before
    assert store.fetch("job_1", "model.keras", WEIGHTS, tmp_path / "here").read_bytes() == b"weights"


def test_no_model_written(store: ArtifactStore, tmp_path: Path) -> None:
    """A folder without a model, or with anything but plain files, is not published."""
    with pytest.raises(ValueError, match=r"no model\.keras"):
        store.publish("job_1", 1, lambda _: None, {})
    with pytest.raises(ValueError, match="cannot be published"):
        store.publish("job_1", 1, lambda folder: (folder / "more").mkdir(), {})
    assert left(tmp_path) == []


def test_the_later_owner_wins(store: ArtifactStore, tmp_path: Path) -> None:
    """A later owner replaces what an earlier one has published, and an earlier one cannot replace the later's."""
    store.publish("job_1", 9, model(b"first"), {})
    second = store.publish("job_1", 10, model(b"weights"), {})
    before = left(tmp_path)
    with pytest.raises(LeaseLost):
        store.publish("job_1", 9, model(b"first"), {})
    assert left(tmp_path) == before
    assert len(before) == 2
    assert read_meta(store, "job_1")["fence"] == 10
    assert store.fetch("job_1", "model.keras", second.model.sha256, tmp_path / "here").read_bytes() == b"weights"


def test_another_file_than_was_recorded(store: ArtifactStore, tmp_path: Path) -> None:
    """A file that is not what the job recorded is refused, and not left where it could be taken for the right one."""
    store.publish("job_1", 1, model(b"weightz"), {})
    with pytest.raises(ArtifactDamaged, match="SHA-256"):
        store.fetch("job_1", "model.keras", WEIGHTS, tmp_path / "here")
    assert not list((tmp_path / "here").rglob("*.keras"))
    with pytest.raises(ArtifactDamaged):
        store.fetch("job_1", "report.json", WEIGHTS, tmp_path / "here")


def keep(store: ArtifactStore, job_id: str, state: bytes) -> None:
    """Save a checkpoint as a training does, and wait until another owner would find it."""
    with store.checkpoint(job_id) as place:
        place.folder.mkdir(parents=True, exist_ok=True)
        (place.folder / "checkpoint.npz").write_bytes(state)
        place.saved(place.folder / "checkpoint.npz")
        wait_until(lambda: kept(store, job_id) == state, 10)


def kept(store: ArtifactStore, job_id: str) -> bytes | None:
    """Read the checkpoint that an owner of a job finds."""
    with store.checkpoint(job_id) as place:
        path = place.folder / "checkpoint.npz"
        return path.read_bytes() if path.exists() else None


def test_remove(store: ArtifactStore, tmp_path: Path) -> None:
    """A job's model and its checkpoints go together, and those of others stay."""
    for job_id in ("job_1", "job_2"):
        store.publish(job_id, 1, model(b"weights"), {})
        keep(store, job_id, b"state")
    store.remove("job_1")
    assert sorted({name.split("/")[0] for name in left(tmp_path)}) == ["job_2", "job_2.checkpoint"]


def test_checkpoints_are_handed_on(store: ArtifactStore) -> None:
    """The next owner of a job finds the last state that the one before has saved, until it is removed."""
    for state in (b"first", b"second"):
        keep(store, "job_1", state)
    assert kept(store, "job_1") == b"second"
    store.remove_checkpoint("job_1")
    assert kept(store, "job_1") is None


def test_sweep_of_a_folder(tmp_path: Path) -> None:
    """What a killed process left half written goes after an hour, and what may still be written stays."""
    store, root = open_store(None, tmp_path), tmp_path / "models"
    store.publish("job_1", 1, model(b"weights"), {})
    old, new = root / "job_2.0a1b2c3d.tmp", root / "job_3.0a1b2c3d.tmp"
    for folder in (old, new):
        folder.mkdir()
        (folder / artifacts.MODEL).write_bytes(b"half")
    os.utime(old, (0, 0))
    assert store.sweep() == [old.name]
    assert sorted(path.name for path in root.iterdir()) == ["job_1", new.name]
    assert open_store(str(tmp_path / "nowhere"), tmp_path).sweep() == []


@pytest.mark.parametrize("job_id", ["../job", "a/b", ".", "", "job\0", "a.b", "x" * 200])
def test_ids_stay_in_their_folder(store: ArtifactStore, tmp_path: Path, job_id: str) -> None:
    """An id that is no plain name never becomes a path."""
    for call in (store.exists, store.remove, store.remove_checkpoint):
        with pytest.raises(ValueError, match="cannot name a folder"):
            call(job_id)
    with pytest.raises(ValueError, match="cannot name a folder"):
        store.publish(job_id, 1, model(b"weights"), {})
    with pytest.raises(ValueError, match="cannot name a folder"):
        store.fetch(job_id, "model.keras", WEIGHTS, tmp_path)


@pytest.mark.parametrize(("name", "digest"), [("../meta.json", WEIGHTS), (".hidden", WEIGHTS), ("model.keras", "../x")])
def test_names_stay_in_their_folder(store: ArtifactStore, tmp_path: Path, name: str, digest: str) -> None:
    """A file's name or checksum that is not plain never becomes a path."""
    with pytest.raises(ValueError, match="cannot name a published file"):
        store.fetch("job_1", name, digest, tmp_path)


def test_a_disk_that_refuses(tmp_path: Path) -> None:
    """A folder that cannot be written is told of with what to do, as any store is."""
    (tmp_path / "file").write_text("where a folder should be")
    store = open_store(str(tmp_path / "file"), tmp_path)
    with pytest.raises(ArtifactsUnavailable, match="Make room there") as error:
        store.publish("job_1", 1, model(b"weights"), {})
    assert not error.value.passing


@pytest.mark.parametrize("content", [b"{half", b"[]"])
def test_broken_meta(tmp_path: Path, content: bytes) -> None:
    """Files whose meta data cannot be read are replaced by whoever publishes next."""
    store = open_store(None, tmp_path)
    store.publish("job_1", 1, model(b"weights"), {})
    (tmp_path / "models" / "job_1" / "meta.json").write_bytes(content)
    store.publish("job_1", 2, model(b"weights"), {})
    assert read_meta(store, "job_1")["fence"] == 2
