import logging
from pathlib import Path

import numpy as np
import pytest

from worker.checkpoint import Checkpoint
from worker.mnist.ledger import Ledger
from worker.saver import Saver

STATE = [np.arange(6, dtype=np.float32).reshape(2, 3), np.array([1, 2], np.int64)]
IDENTITY = {"params": {"steps": 10}}


def _ledger() -> Ledger:
    ledger = Ledger(seed=7)
    ledger.add([1.0, 0.5], [10, 20])
    ledger.close(2, batch_size=50)
    ledger.add([0.25], [40])
    return ledger


def test_round_trip(tmp_path: Path) -> None:
    """What is saved comes back: the step, the arrays with their types, the history and the interval begun."""
    Saver(Checkpoint(tmp_path / "new"), IDENTITY).save(3, _ledger().dump(), STATE)
    loaded = Saver(Checkpoint(tmp_path / "new"), IDENTITY).load()
    assert loaded is not None
    step, ledger, state = loaded
    assert (step, Ledger.parse(ledger)) == (3, _ledger())
    assert [array.dtype for array in state] == [np.float32, np.int64]
    assert all((found == saved).all() for found, saved in zip(state, STATE, strict=True))
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["checkpoint.npz"]


def test_a_checkpoint_of_a_later_version(tmp_path: Path) -> None:
    """Fields and arrays that a later version has added to a checkpoint are ignored."""
    checkpoint = Checkpoint(tmp_path)
    text = _ledger().dump().replace('"step"', '"x": 1, "step"').replace('"seed"', '"from_a_later_version": {}, "seed"')
    Saver(checkpoint, IDENTITY).save(3, text, STATE)
    step, arrays = checkpoint.load() or (0, {})
    checkpoint.save(step, arrays | {"zeta": np.zeros(3)})
    loaded = Saver(checkpoint, IDENTITY).load()
    assert loaded is not None
    assert (loaded[0], Ledger.parse(loaded[1]), len(loaded[2])) == (3, _ledger(), len(STATE))


def test_entries_of_the_history() -> None:
    """An entry has the accuracy and the mean loss of the steps since the one before."""
    ledger = _ledger()
    first = ledger.history[0]
    assert (first.step, first.train_accuracy, first.loss) == (2, 0.3, 0.75)
    entry = ledger.close(3, batch_size=50)
    assert (entry.train_accuracy, entry.loss, ledger.last) == (0.8, 0.25, entry)


def test_nothing_saved(tmp_path: Path) -> None:
    """A folder without a checkpoint, or from which it was removed, starts a training at its beginning."""
    checkpoint = Checkpoint(tmp_path)
    assert checkpoint.load() is None
    checkpoint.save(1, {})
    checkpoint.clear()
    checkpoint.clear()
    assert checkpoint.load() is None


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 broken", b"\x93NUMPY no more", b"text"])
def test_broken_checkpoint(tmp_path: Path, content: bytes, caplog: pytest.LogCaptureFixture) -> None:
    """A checkpoint that cannot be read is told of and ignored, and the next one replaces it."""
    checkpoint = Checkpoint(tmp_path)
    checkpoint.path.write_bytes(content)
    with caplog.at_level(logging.WARNING):
        assert checkpoint.load() is None
    assert "starts over" in caplog.text
    checkpoint.save(4, {})
    assert checkpoint.load() == (4, {})


def test_whoever_wants_to_know_is_told(tmp_path: Path) -> None:
    """Each state that was saved is told of when it is whole, and none that could not be."""
    told: list[tuple[int, dict[str, object]] | None] = []
    checkpoint = Checkpoint(tmp_path / "new", saved=lambda path: told.append(Checkpoint(path.parent).load()))
    checkpoint.save(3, {})
    assert told == [(3, {})]
    (tmp_path / "file").write_text("where a folder should be")
    with pytest.raises(OSError, match="file"):
        Checkpoint(tmp_path / "file", saved=lambda _: told.append(None)).save(4, {})
    assert told == [(3, {})]


def test_checkpoint_of_another_training(tmp_path: Path) -> None:
    """A checkpoint of other parameters or other data is not gone on with."""
    Saver(Checkpoint(tmp_path), IDENTITY).save(3, _ledger().dump(), STATE)
    assert Saver(Checkpoint(tmp_path), {"params": {"steps": 11}}).load() is None


def test_disk_that_takes_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A checkpoint that cannot be written is told of, and the training goes on."""
    (tmp_path / "file").write_text("where a folder should be")
    saver = Saver(Checkpoint(tmp_path / "file"), IDENTITY)
    with caplog.at_level(logging.WARNING):
        saver.save(3, _ledger().dump(), STATE)
    assert "without a new checkpoint" in caplog.text
