"""What an object store needs beyond a folder's, over fsspec's file system in memory."""

import logging
import threading
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import fsspec
import pytest

from jobs.artifacts import ArtifactsUnavailable
from jobs.artifacts.bucket import BucketStore, grouped
from jobs.artifacts.checkpoints import Mirror
from jobs.artifacts.errors import unavailable
from jobs.artifacts.remote import Remote
from jobs.errors import LeaseLost
from support.artifacts import read_meta
from support.waiting import wait_until

URL = "memory://bucket/models"
ROOT = "/bucket/models"
memory = fsspec.filesystem("memory")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[BucketStore]:
    """An empty store."""
    yield BucketStore(URL, tmp_path / "scratch")
    memory.store.clear()


def write(folder: Path) -> None:
    """Save a network."""
    (folder / "model.keras").write_bytes(b"weights")


def test_what_a_killed_publisher_left(store: BucketStore) -> None:
    """Files without meta data count for nobody, and go when they are old; those of others stay."""
    memory.pipe_file(f"{ROOT}/job_1/3-abcd/model.keras", b"half")
    assert not store.exists("job_1")
    assert store.sweep() == []
    store.publish("job_2", 1, write, {})
    assert store.sweep(older_than=0) == ["job_1/3-abcd"]
    assert store.sweep(older_than=0) == []
    assert store.exists("job_2")


def test_a_disk_that_takes_no_checkpoints(store: BucketStore, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Where this machine's disk refuses, the work goes on without checkpoints, and they come once it does not."""
    (tmp_path / "scratch").write_text("where a folder should be")
    with caplog.at_level(logging.WARNING), store.checkpoint("job_1") as place:
        with pytest.raises(OSError, match="scratch"):
            place.folder.mkdir(parents=True)
        (tmp_path / "scratch").unlink()
        place.folder.mkdir(parents=True)
        (place.folder / "checkpoint.npz").write_bytes(b"state")
        place.saved(place.folder / "checkpoint.npz")
        wait_until(lambda: memory.find(ROOT), 10)
    assert "the work goes on without it" in caplog.text
    assert list((tmp_path / "scratch").iterdir()) == []


def test_the_next_owner_clears_up(store: BucketStore) -> None:
    """What an earlier owner has left half published goes when the next one publishes."""
    memory.pipe_file(f"{ROOT}/job_1/3-abcd/model.keras", b"half")
    store.publish("job_1", 4, write, {})
    places = {path.split("/")[-2] for path in memory.find(ROOT)}
    assert len(places) == 1
    assert places.pop().startswith("4-")


def test_a_later_owner_meanwhile(store: BucketStore) -> None:
    """Who finds, after writing, that a later owner has published, leaves nothing and is told so."""

    def overtaken(folder: Path) -> None:
        write(folder)
        store.publish("job_1", 2, write, {})

    with pytest.raises(LeaseLost):
        store.publish("job_1", 1, overtaken, {})
    assert read_meta(store, "job_1")["fence"] == 2
    assert len(memory.find(ROOT)) == 2


def test_strangers_are_left_alone(store: BucketStore) -> None:
    """What we did not write is neither read nor swept."""
    memory.pipe_file(f"{ROOT}/notes.txt", b"ours")
    memory.pipe_file(f"{ROOT}/job_1/notes/meta.json", b"{}")
    assert not store.exists("job_1")
    assert store.sweep(older_than=0) == []
    assert len(memory.find(ROOT)) == 2


def test_fences_are_numbers() -> None:
    """The tenth owner comes after the ninth."""
    assert list(grouped(["j/9-a/meta.json", "j/10-b/meta.json", "j/10-b/model.keras"])) == ["j/10-b", "j/9-a"]


def test_a_copy_that_was_changed_here(store: BucketStore, tmp_path: Path) -> None:
    """A file that was fetched before is not fetched again, unless it is no longer what it was."""
    digest = store.publish("job_1", 1, write, {}).model.sha256
    path = store.fetch("job_1", "model.keras", digest, tmp_path / "here")
    path.write_bytes(b"weightz")
    assert store.fetch("job_1", "model.keras", digest, tmp_path / "here") == path
    assert sha256(path.read_bytes()).hexdigest() == digest
    memory.store.clear()
    assert store.fetch("job_1", "model.keras", digest, tmp_path / "here") == path


def test_a_slow_store_does_not_hold_the_work(tmp_path: Path) -> None:
    """States that come while one is copied are not waited for, and of them only the last is copied."""
    go, copied = threading.Event(), []
    started = threading.Event()

    def slow(path: Path) -> None:
        started.set()
        assert go.wait(10)
        copied.append(path.name)
        if path.name == "4":
            done.set()

    done = threading.Event()
    with Mirror(slow) as mirror:
        mirror.changed(tmp_path / "1")
        assert started.wait(10)
        for name in "234":
            mirror.changed(tmp_path / name)
        go.set()
        assert done.wait(10)
    assert copied == ["1", "4"]


def test_work_that_is_stopped_waits_for_nothing(tmp_path: Path) -> None:
    """When the work is stopped, a copy that is under way is left to itself."""
    go, started = threading.Event(), threading.Event()

    def hangs(_: Path) -> None:
        started.set()
        go.wait(60)

    def stopped() -> None:
        with Mirror(hangs) as mirror:
            mirror.changed(tmp_path / "1")
            assert started.wait(10)
            raise InterruptedError

    with pytest.raises(InterruptedError):
        stopped()
    assert not go.is_set()
    go.set()


@pytest.mark.parametrize("error", [unavailable(URL, ConnectionError("nobody there")), ValueError("nobody there")])
def test_a_store_that_is_away_costs_a_copy(error: Exception, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A copy that fails is logged, whatever the error, and the next state is copied."""
    copied = threading.Event()

    def away_once(path: Path) -> None:
        if path.name == "1":
            raise error
        copied.set()

    with caplog.at_level(logging.WARNING), Mirror(away_once) as mirror:
        mirror.changed(tmp_path / "1")
        while "nobody there" not in caplog.text:
            assert not copied.wait(0.01)
        mirror.changed(tmp_path / "2")
        assert copied.wait(10)


@pytest.mark.parametrize(
    ("error", "passing", "advice"),
    [
        (PermissionError("Access Denied."), False, "AWS_ACCESS_KEY_ID"),
        (type("NoCredentialsError", (Exception,), {})("Unable to locate credentials"), False, "AWS_ACCESS_KEY_ID"),
        (FileNotFoundError("The specified bucket does not exist"), False, "Make the bucket"),
        (NotImplementedError(), False, "can be written to"),
        (ConnectionRefusedError(111, "Connection refused"), True, "Is it up"),
        (TimeoutError(), True, "no answer in time. Is it up"),
    ],
)
def test_what_a_store_says_in_our_words(error: Exception, passing: bool, advice: str) -> None:
    """Each kind of trouble says what to do, whether waiting may help, and no password."""
    told = unavailable("sftp://me:secret@host/models", error)
    assert advice in str(told)
    assert "sftp://host/models" in str(told)
    assert "secret" not in str(told)
    assert told.passing is passing


def test_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    """A protocol that only reads is told of, whatever its library raises."""
    (tmp_path / "f").write_bytes(b"x")
    with pytest.raises(ArtifactsUnavailable, match="cannot be used"):
        Remote("data://x").put(tmp_path / "f", "y")
