import os
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pytest

from jobs import artifacts
from jobs.artifacts import ArtifactDamaged, checkpoint_folder, find, publish, read_meta, remove, sweep, verify
from jobs.errors import LeaseLost


def model(content: bytes) -> Callable[[Path], None]:
    """A network that can be saved."""

    def write(folder: Path) -> None:
        (folder / artifacts.MODEL).write_bytes(content)

    return write


def test_publish(tmp_path: Path) -> None:
    """A model is found where it was published, with its meta data, its checksum and its size, and nothing beside it."""
    root = tmp_path / "models"
    artifact = publish(root, "job_1", 1, model(b"weights"), {"test_accuracy": 0.9})
    assert artifact.path == find(root, "job_1") == root / "job_1" / "model.keras"
    assert (artifact.sha256, artifact.size) == (sha256(b"weights").hexdigest(), 7)
    assert read_meta(root, "job_1") == {"test_accuracy": 0.9, "fence": 1}
    assert [path.name for path in root.iterdir()] == ["job_1"]
    verify(artifact.path, artifact.sha256)


def test_nothing_published(tmp_path: Path) -> None:
    """Where no model was published none is found, and there is nothing to remove."""
    assert find(tmp_path, "job_1") is None
    assert read_meta(tmp_path, "job_1") == {}
    remove(tmp_path, "job_1")


@pytest.mark.parametrize("error", [OSError, KeyboardInterrupt])
def test_whole_or_not_at_all(tmp_path: Path, error: type[BaseException]) -> None:
    """A model whose writing fails or is stopped leaves nothing, and what was there before as it was."""

    def breaks(folder: Path) -> None:
        (folder / artifacts.MODEL).write_bytes(b"half")
        raise error

    for before in (None, b"whole"):
        if before is not None:
            publish(tmp_path, "job_1", 1, model(before), {})
        with pytest.raises(error):
            publish(tmp_path, "job_1", 1, breaks, {})
        path = find(tmp_path, "job_1")
        assert (path and path.read_bytes()) == before
        assert len(list(tmp_path.iterdir())) == (before is not None)


def test_no_model_written(tmp_path: Path) -> None:
    """A folder without a model is not published."""
    with pytest.raises(FileNotFoundError):
        publish(tmp_path, "job_1", 1, lambda _: None, {})
    assert list(tmp_path.iterdir()) == []


def test_the_later_owner_wins(tmp_path: Path) -> None:
    """A later owner replaces what an earlier one has published, and an earlier one cannot replace the later's."""
    publish(tmp_path, "job_1", 1, model(b"first"), {})
    second = publish(tmp_path, "job_1", 3, model(b"second"), {})
    with pytest.raises(LeaseLost):
        publish(tmp_path, "job_1", 1, model(b"first"), {})
    verify(second.path, second.sha256)
    assert [path.name for path in tmp_path.iterdir()] == ["job_1"]


def test_damage_is_found(tmp_path: Path) -> None:
    """A model's file that was changed, or that is gone, is not what its job recorded."""
    artifact = publish(tmp_path, "job_1", 1, model(b"weights"), {})
    artifact.path.write_bytes(b"weightz")
    with pytest.raises(ArtifactDamaged, match="SHA-256"):
        verify(artifact.path, artifact.sha256)
    remove(tmp_path, "job_1")
    with pytest.raises(ArtifactDamaged, match="cannot be read"):
        verify(artifact.path, artifact.sha256)


def test_remove(tmp_path: Path) -> None:
    """A job's model and its checkpoints go together, and those of others stay."""
    for job_id in ("job_1", "job_2"):
        publish(tmp_path, job_id, 1, model(b"weights"), {})
        checkpoint_folder(tmp_path, job_id).mkdir()
    remove(tmp_path, "job_1")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["job_2", "job_2.checkpoint"]


def test_sweep(tmp_path: Path) -> None:
    """What a killed process left half written goes after an hour, and what may still be written stays."""
    publish(tmp_path, "job_1", 1, model(b"weights"), {})
    old, new = tmp_path / "job_2.abc.tmp", tmp_path / "job_3.abc.tmp"
    for folder in (old, new):
        folder.mkdir()
        (folder / artifacts.MODEL).write_bytes(b"half")
    os.utime(old, (0, 0))
    assert sweep(tmp_path) == [old]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["job_1", "job_3.abc.tmp"]
    assert sweep(tmp_path / "nowhere") == []


@pytest.mark.parametrize("job_id", ["../job", "a/b", ".", "", "job\0", "a.b", "x" * 200])
def test_ids_stay_in_their_folder(tmp_path: Path, job_id: str) -> None:
    """An id that is no plain name never becomes a path."""
    for call in (find, remove, read_meta, checkpoint_folder):
        with pytest.raises(ValueError, match="cannot name a folder"):
            call(tmp_path, job_id)
