import contextlib
import os
import signal
import time
from collections.abc import Iterator
from concurrent.futures import CancelledError
from pathlib import Path

import numpy as np
import pytest
from pictures import encoded, jpeg_with_scans, noise, seven
from waiting import wait_until

from app.settings import Settings
from vision.images import Limits, View, decode
from vision.problems import BrokenImage, TooCostly, TooManyPixels
from vision.sandbox import Cost, Decoder, Sandbox

MEBIBYTE = 1024 * 1024
GOOD = encoded(noise((300, 200)), "JPEG")
VIEWS = (View(224), View(100, "inside"))
TWO_BY_TWO = {"views": [{"size": 2, "fit": "stretch"}]}


@contextlib.contextmanager
def sandbox(processes: int = 1, seconds: float = 10, memory: int = 512 * MEBIBYTE) -> Iterator[Sandbox]:
    """Start a sandbox whose only limits are those under test."""
    with contextlib.closing(Sandbox(processes, Cost(seconds, memory), Limits(10**9, 10**9))) as made:
        yield made


@pytest.fixture(scope="module")
def slow() -> bytes:
    """Return a JPEG of 200 KB that takes most of a minute to decode."""
    return jpeg_with_scans(6000, (3000, 3000))


LIAR = """
import socket, sys
from vision import messages
connection = socket.socket(fileno=int(sys.argv[1]))
while True:
    request, words = messages.receive(connection, sys.maxsize)
    connection.sendall(messages.RECEIVED)
    connection.sendall(messages.HEAD.pack(len(words), 12) + words + bytes(12))
"""


class Liar(Decoder):
    """A process that was taken over: it says what it is told to, with twelve bytes of pixels."""

    program = ("-c", LIAR)


@pytest.fixture(scope="module")
def liar() -> Iterator[Liar]:
    """Start one."""
    with contextlib.closing(Liar(Cost(10, 512 * MEBIBYTE))) as made:
        yield made


def pids() -> set[int]:
    """List the decode processes of this one."""
    found = set()
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            stat = (path.parent / "stat").read_text().rpartition(") ")[2].split()
            if b"vision.decoder" in path.read_bytes() and int(stat[1]) == os.getpid() and stat[0] != "Z":
                found.add(int(path.parent.name))
    return found


def busy() -> int | None:
    """Name the decode process that has worked for a second, if there is one."""
    for pid in pids():
        times = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()[11:13]
        if sum(map(int, times)) > os.sysconf("SC_CLK_TCK"):
            return pid
    return None


def test_views_come_back() -> None:
    """A picture comes back with its size, its format and every view in its shape."""
    with sandbox() as box:
        picture = box.decode(GOOD, VIEWS).result(30)
    assert (picture.width, picture.height, picture.format) == (300, 200, "JPEG")
    assert [view.shape for view in picture.views] == [(224, 224, 3), (67, 100, 3)]


def test_decode_processes_are_light() -> None:
    """A decode process that has seen every format has neither NumPy nor TensorFlow in it, and one thread."""
    with sandbox() as box:
        for kind in ("JPEG", "PNG", "WEBP", "GIF", "BMP"):
            assert box.decode(encoded(noise((300, 200)), kind), VIEWS).result(30).width == 300
        assert box.decode(encoded(noise((300, 200), "I;16"), "PNG"), VIEWS).result(30).width == 300
        (process,) = (Path(f"/proc/{pid}") for pid in pids())
        maps = (process / "maps").read_text()
        assert "\nThreads:\t1\n" in (process / "status").read_text()
    assert "_imaging" in maps
    assert not [name for name in ("numpy", "blas", "tensorflow") if name in maps]


def test_views_are_the_same_as_here() -> None:
    """What a decode process sends is, to the pixel, what decoding in this process gives."""
    with sandbox() as box:
        picture = box.decode(GOOD, VIEWS).result(30)
    for found, expected in zip(picture.views, decode(GOOD, VIEWS, Limits(10**9, 10**9)).views, strict=True):
        assert np.array_equal(found, expected)


def test_problems_come_back() -> None:
    """What is wrong with a picture is raised as the same kind of problem, with its advice."""
    with sandbox() as box, pytest.raises(BrokenImage, match="Save it anew"):
        box.decode(GOOD[:-1000], VIEWS).result(30)


def test_slow_pictures_are_killed(slow: bytes) -> None:
    """A picture that takes too long is given up at the limit, and the next one is decoded as ever."""
    with sandbox(seconds=1) as box:
        started = time.monotonic()
        with pytest.raises(TooCostly, match="longer than 1 s"):
            box.decode(slow, VIEWS).result(30)
        assert time.monotonic() - started < 15
        assert box.decode(GOOD, VIEWS).result(30).width == 300


def test_memory_is_bounded() -> None:
    """A picture that needs more memory than it may is refused, and the next one is decoded as ever."""
    with sandbox(memory=64 * MEBIBYTE) as box:
        with pytest.raises(TooManyPixels, match="memory"):
            box.decode(encoded(noise((6000, 6000)), "PNG", compress_level=1), VIEWS).result(30)
        assert box.decode(GOOD, VIEWS).result(30).width == 300


def test_the_least_memory_is_enough_for_a_digit() -> None:
    """What a service may give to a decode process at least is enough for NumPy, which digits need."""
    (least,) = (bound.ge for bound in Settings.model_fields["decode_memory_bytes"].metadata if hasattr(bound, "ge"))
    with sandbox(memory=least) as box:
        picture = box.decode(encoded(seven(), "PNG"), (View(28, "digit", 240, "bicubic"),)).result(30)
    assert picture.views[0].shape == (28, 28, 1)


@pytest.mark.parametrize(
    "words",
    [
        b"no JSON",
        b"\xff",
        b"[" * 100_000,
        b"[]",
        b"7",
        b"{}",
        b'{"problem": "Unknown", "message": "x"}',
        b'{"problem": ["NotAnImage"], "message": "x"}',
        b'{"problem": "NotAnImage"}',
        b'{"width": "2", "height": 2, "format": "PNG", "shapes": [[2, 2, 3]]}',
        b'{"width": 2, "height": 2, "format": "EXE", "shapes": [[2, 2, 3]]}',
        b'{"width": 2, "height": 2, "format": "PNG", "shapes": 7}',
        b'{"width": 2, "height": 2, "format": "PNG", "shapes": [7]}',
        b'{"width": 2, "height": 2, "format": "PNG", "shapes": []}',
        b'{"width": 2, "height": 2, "format": "PNG", "shapes": [[2, 2]]}',
        b'{"width": 2, "height": 2, "format": "PNG", "shapes": [[2, 2, 1]]}',
        b'{"width": 2, "height": 2, "format": "PNG", "shapes": [[-1, 2, 3]]}',
        b'{"width": 2, "height": 2, "format": "PNG", "shapes": [[3, 2, 3]]}',
        b'{"width": 2, "height": 2, "format": "PNG", "shapes": [[2, 2, 3], [2, 2, 3]]}',
    ],
)
def test_a_process_that_answers_with_nonsense_is_replaced(liar: Liar, words: bytes) -> None:
    """Whatever a decode process answers, it is a picture as it was asked for, or its picture's problem and its end."""
    before = liar._process.pid
    with pytest.raises(TooCostly, match="nonsense"):
        liar.run(TWO_BY_TWO, words)
    assert liar._process.pid != before
    good = b'{"width": 2, "height": 2, "format": "PNG", "shapes": [[2, 2, 3]]}'
    assert liar.run(TWO_BY_TWO, good).views[0].shape == (2, 2, 3)


def test_a_crash_hurts_nobody_else(slow: bytes) -> None:
    """When a decode process is killed in its work, only its own picture fails; others wait no longer than before."""
    with sandbox(processes=2) as box:
        doomed = box.decode(slow, VIEWS)
        for _ in range(5):  # the other process answers while the first is busy
            assert box.decode(GOOD, VIEWS).result(30).width == 300
        assert not doomed.done()
        os.kill(wait_until(busy, 20), signal.SIGKILL)
        with pytest.raises(TooCostly, match="SIGKILL"):
            doomed.result(30)
        assert box.decode(GOOD, VIEWS).result(30).width == 300


def test_an_idle_process_may_die() -> None:
    """A process that was killed while idle is replaced, and the next picture does not notice."""
    with sandbox() as box:
        assert box.decode(GOOD, VIEWS).result(30).width == 300
        (pid,) = pids()
        os.kill(pid, signal.SIGKILL)
        assert box.decode(GOOD, VIEWS).result(30).width == 300
        assert pids() != {pid}


def test_what_waits_can_be_dropped(slow: bytes) -> None:
    """A picture whose asker has gone is not decoded."""
    with sandbox(seconds=2) as box:
        first, second = box.decode(slow, VIEWS), box.decode(GOOD, VIEWS)
        assert second.cancel()
        with pytest.raises(TooCostly):
            first.result(30)
        with pytest.raises(CancelledError):
            second.result()


def test_no_process_stays(slow: bytes) -> None:
    """Closing ends every process, a busy one too."""
    with sandbox(processes=2) as box:
        assert len(pids()) == 2
        box.decode(slow, VIEWS)
        wait_until(busy, 20)
    wait_until(lambda: not pids(), 10)


def test_a_process_that_takes_nothing_is_replaced() -> None:
    """A process that is stopped before it takes its picture is replaced, and the picture is decoded."""
    with sandbox() as box:
        assert box.decode(GOOD, VIEWS).result(30).width == 300
        (pid,) = pids()
        os.kill(pid, signal.SIGSTOP)
        assert box.decode(GOOD, VIEWS).result(30).width == 300
        assert pid not in pids()
