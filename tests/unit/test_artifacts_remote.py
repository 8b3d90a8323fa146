"""File systems of fsspec's that know no limits, no ages, or do not do what they are asked."""

import logging
import threading
from collections.abc import Iterator
from pathlib import Path

import fsspec
import pytest
from fsspec.implementations.memory import MemoryFileSystem

from jobs.artifacts import ArtifactsUnavailable
from jobs.artifacts.bucket import BucketStore
from jobs.artifacts.remote import Remote
from support.waiting import wait_until

ROOT = "/bucket/models"
FILES = [f"{ROOT}/{job_id}/3-abcd/model.keras" for job_id in ("job_1", "job_2")]
memory = fsspec.filesystem("memory")


class Odd(MemoryFileSystem):  # type: ignore[misc]
    """One that is slow to answer what it has been asked to read, and refuses to remove the first of two files."""

    protocol = "odd"
    go = threading.Event()

    @classmethod
    def _strip_protocol(cls, path: str) -> str:
        stripped: str = MemoryFileSystem._strip_protocol(path.replace("odd://", "memory://"))
        return stripped

    def cat_file(self, path: str, **_: object) -> bytes:
        """Hang."""
        self.go.wait()
        return path.encode()

    def rm_file(self, path: str) -> None:
        """Refuse, or not."""
        if path == FILES[0]:
            raise PermissionError("locked")
        super().rm_file(path)


class Ageless(Odd):
    """One that does not tell when a file was written, as FTP's."""

    protocol = "ageless"

    @classmethod
    def _strip_protocol(cls, path: str) -> str:
        return super()._strip_protocol(path.replace("ageless://", "odd://"))

    def modified(self, path: str) -> None:
        """Say that it cannot."""
        raise NotImplementedError(path)


@pytest.fixture(autouse=True)
def files() -> Iterator[None]:
    """Leave what two killed publishers would."""
    for one in (Odd, Ageless):
        fsspec.register_implementation(one.protocol, one, clobber=True)
    Odd.go.clear()
    for path in FILES:
        memory.pipe_file(path, b"half")
    yield
    Odd.go.set()
    memory.store.clear()


def test_a_library_that_knows_no_limit() -> None:
    """A call that hangs is given up in time, also where the library has no limit, and others are not held up by it."""
    remote = Remote("odd://bucket/models", answer_seconds=0.2)
    with pytest.raises(ArtifactsUnavailable, match="no answer in time") as error:
        remote.read_piece("job_1/3-abcd/model.keras", 0, 1)
    assert error.value.passing
    patient = Remote("odd://bucket/models")
    assert len(patient.find()) == 2
    Odd.go.set()
    assert patient.read_piece("job_1/3-abcd/model.keras", 0, 100) == FILES[0].encode()


def test_what_hangs_is_left_to_itself() -> None:
    """The thread of a call that hangs holds nobody up who wants to end."""
    with pytest.raises(ArtifactsUnavailable):
        Remote("odd://bucket/models", answer_seconds=0.1).read_piece("x", 0, 1)
    left = [thread for thread in threading.enumerate() if thread.name == "within"]
    assert [thread.daemon for thread in left] == [True] * len(left) != []
    Odd.go.set()
    wait_until(lambda: not any(thread.is_alive() for thread in left), 10)


def test_one_that_cannot_be_removed(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """What the store does not let go is told of, and everything else is swept."""
    with caplog.at_level(logging.WARNING):
        assert BucketStore("odd://bucket/models", tmp_path).sweep(older_than=0) == ["job_2/3-abcd"]
    assert "job_1/3-abcd was left half written" in caplog.text
    assert memory.find(ROOT) == FILES[:1]


def test_ages_that_are_not_told(tmp_path: Path) -> None:
    """Where nobody says how old a file is nothing is swept, since it may still be written, and nothing fails."""
    assert Remote("ageless://bucket/models").age("job_1/3-abcd/model.keras") is None
    assert BucketStore("ageless://bucket/models", tmp_path).sweep(older_than=0) == []
    assert memory.find(ROOT) == FILES
