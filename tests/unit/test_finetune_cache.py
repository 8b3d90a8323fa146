"""What is kept on disk of photographs that went through frozen layers."""

from __future__ import annotations

import logging
import os
import shutil
import threading
import time
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from support.waiting import wait_until
from worker.finetune.cache import ABANDONED_SECONDS, CHECKS, ROWS, ArrayCache

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from numpy.typing import DTypeLike, NDArray

SHAPE = (4, 3)
KEY = {"what": "numbers"}
BYTES = 10 * 12 * 4  # of ten rows


class Maker:
    """Computes rows, ten to one portion of two, and takes note of which; it breaks after `breaks` portions."""

    def __init__(self, breaks: int | None = None) -> None:
        self.made: list[int] = []
        self._breaks = breaks

    def __call__(self, missing: Sequence[int]) -> Iterator[tuple[Sequence[int], NDArray[Any]]]:
        """Yield what is missing."""
        for portion, start in enumerate(range(0, len(missing), 2)):
            if portion == self._breaks:
                raise InterruptedError
            places = missing[start : start + 2]
            self.made += places
            yield places, np.stack([np.full(SHAPE, place, np.float32) for place in places])


class Overtaken(ArrayCache):
    """A cache beside which another worker does something: before what is there was checked, and after it."""

    def __init__(self, folder: Path, before: Callable[[], object], after: Callable[[], object]) -> None:
        super().__init__(folder, 10**6)
        self._before, self._after = before, after

    def _open(self, path: Path, count: int, shape: tuple[int, ...], dtype: DTypeLike) -> NDArray[Any] | None:
        self._before()
        found = super()._open(path, count, shape, dtype)
        self._after()
        return found


def _rows(cache: ArrayCache, maker: Maker, owner: str = "job_1", **key: object) -> NDArray[Any]:
    return cache.rows(KEY | key, 10, SHAPE, np.float32, maker, owner)


def let_pass(folder: Path) -> None:
    """Wait until the file system, whose clock is coarse, gives a later time than before."""
    probe = folder.with_name("probe")
    probe.touch()
    before = probe.stat().st_mtime_ns

    def later() -> bool:
        probe.touch()
        return probe.stat().st_mtime_ns > before

    wait_until(later, 10, pause=0.001)


def test_computed_once(tmp_path: Path) -> None:
    """Rows are computed once for a key, and are the same, read-only and mapped, for whoever asks again."""
    cache, maker = ArrayCache(tmp_path, 10**6), Maker()
    first, second = _rows(cache, maker), _rows(ArrayCache(tmp_path, 10**6), maker, "job_2")
    assert maker.made == [*range(10)]
    np.testing.assert_array_equal(first, second)
    assert second[7].tolist() == np.full(SHAPE, 7).tolist()
    assert isinstance(second, np.memmap)
    assert not first.flags.writeable
    assert not second.flags.writeable
    _rows(cache, maker, what="others")
    assert len(maker.made) == 20


def test_what_was_begun_is_gone_on_with(tmp_path: Path) -> None:
    """After a break the same job computes only what is missing; a row that is damaged meanwhile is missing too."""
    cache = ArrayCache(tmp_path, 10**6)
    with pytest.raises(InterruptedError):
        _rows(cache, Maker(breaks=3))
    (part,) = tmp_path.glob("*.part")
    begun = np.lib.format.open_memmap(part / ROWS, "r+")
    begun[1, 0, 0] = 99
    begun.flush()
    maker = Maker()
    rows = _rows(cache, maker)
    assert maker.made == [1, 6, 7, 8, 9]
    assert rows[:, 0, 0].tolist() == [*range(10)]
    assert [path.name for path in tmp_path.iterdir() if path.is_dir()] == [part.name.split(".")[0]]


@pytest.mark.parametrize("damage", ["a bit", "cut off", "no checks", "emptied"])
def test_damage_is_noticed(tmp_path: Path, damage: str, caplog: pytest.LogCaptureFixture) -> None:
    """A file that is not what was written is told of, and computed anew."""
    cache, maker = ArrayCache(tmp_path, 10**6), Maker()
    _rows(cache, maker)
    (path,) = tmp_path.glob(f"*/{ROWS}")
    data = bytearray(path.read_bytes())
    data[-5] ^= 1
    match damage:
        case "a bit":
            path.write_bytes(data)
        case "cut off":
            path.write_bytes(data[:-40])
        case "emptied":
            path.write_bytes(b"")
        case _:
            path.with_name(CHECKS).unlink()
    with caplog.at_level(logging.WARNING):
        again = _rows(cache, maker)
    assert "damaged, and computed anew" in caplog.text
    assert len(maker.made) == 20
    assert again[9].max() == 9


def test_those_used_least_lately_go(tmp_path: Path) -> None:
    """The folder stays within its bytes: what was used least lately makes room, and stays readable for who has it."""
    cache, maker = ArrayCache(tmp_path, 3 * BYTES + 2000), Maker()
    first = _rows(cache, maker, n=0)
    for number in (1, 0, 2, 0, 3):
        let_pass(tmp_path)
        _rows(cache, maker, n=number)
    assert len(maker.made) == 40
    _rows(cache, maker, n=0)
    assert len(maker.made) == 40
    _rows(cache, maker, n=1)
    assert len(maker.made) == 50
    assert first[3].max() == 3
    size = sum(file.stat().st_size for file in tmp_path.rglob("*.npy"))
    assert size <= 3 * BYTES + 2000
    assert cache.fits(10, SHAPE, np.float32)
    assert not cache.fits(1000, SHAPE, np.float32)


def test_room_that_is_made_meanwhile(tmp_path: Path) -> None:
    """What is asked for counts as used while it is checked, and what is removed after that stays readable."""
    maker, other = Maker(), ArrayCache(tmp_path, 2 * BYTES + 2000)
    for number in range(2):
        _rows(other, maker, n=number)
        let_pass(tmp_path)
    cache = Overtaken(
        tmp_path,
        before=lambda: _rows(other, Maker(), n=2),
        after=lambda: [shutil.rmtree(path) for path in tmp_path.iterdir() if path.is_dir()],
    )
    assert _rows(cache, maker, n=0)[7].max() == 7
    assert len(maker.made) == 20


def test_what_nobody_goes_on_with_goes(tmp_path: Path) -> None:
    """What was begun a day ago is removed; what was begun lately is another worker's, and stays."""
    cache = ArrayCache(tmp_path, 10**6)
    for owner in ("old", "new"):
        with pytest.raises(InterruptedError):
            _rows(cache, Maker(breaks=1), owner)
    (old,) = tmp_path.glob("*.old.part")
    os.utime(old, (0, time.time() - ABANDONED_SECONDS - 10))
    _rows(cache, Maker(), what="others")
    assert not old.exists()
    assert len([*tmp_path.glob("*.new.part")]) == 1


def test_what_a_job_has_begun_is_forgotten(tmp_path: Path) -> None:
    """What a job will not go on with is removed, and nothing of any other."""
    cache = ArrayCache(tmp_path, 10**6)
    for owner in ("job_1", "job_2"):
        with pytest.raises(InterruptedError):
            _rows(cache, Maker(breaks=1), owner)
    assert cache.owners() == {"job_1", "job_2"}
    cache.forget("job_1")
    cache.forget("job_3")
    assert cache.owners() == {"job_2"}


def test_what_others_are_at_work_on_takes_room(tmp_path: Path) -> None:
    """What is not finished counts in the folder's bytes: what is kept makes room for it, and it is left alone."""
    cache = ArrayCache(tmp_path, 3 * BYTES + 2000)
    for number in range(2):
        _rows(cache, Maker(), n=number)
    with pytest.raises(InterruptedError):
        _rows(cache, Maker(breaks=1), "job_2", n=2)
    _rows(cache, Maker(), n=3)
    assert len([*tmp_path.glob(f"*/{ROWS}")]) == 3
    assert cache.owners() == {"job_2"}


def test_a_disk_that_has_no_room(tmp_path: Path) -> None:
    """Rows that do not fit on the disk are an error that leaves nothing of them."""
    with pytest.raises(OSError, match=r"space|large|memory|Invalid"):
        ArrayCache(tmp_path, 10**6).rows(KEY, 1, (2**50,), np.float32, Maker(), "job_1")
    assert [path for path in tmp_path.iterdir() if path.is_dir()] == []


def test_two_workers_at_once(tmp_path: Path) -> None:
    """Two workers that compute the same at the same time both get it, and one of them keeps it."""
    meet = threading.Barrier(2)
    found: list[NDArray[Any]] = []

    def work(owner: str) -> None:
        maker = Maker()

        def fill(missing: Sequence[int]) -> Iterator[tuple[Sequence[int], NDArray[Any]]]:
            meet.wait(10)
            yield from maker(missing)

        found.append(ArrayCache(tmp_path, 10**6).rows(KEY, 10, SHAPE, np.float32, fill, owner))

    threads = [threading.Thread(target=work, args=(owner,)) for owner in ("job_1", "job_2")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    np.testing.assert_array_equal(*found)
    assert len([path for path in tmp_path.iterdir() if path.is_dir()]) == 1
