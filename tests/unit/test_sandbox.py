import contextlib
import os
import signal
from collections.abc import Iterator
from concurrent.futures import CancelledError
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest

from app.settings import Settings
from support.images import encoded, jpeg_with_scans, noise, seven
from support.waiting import wait_until
from vision.decode.images import Limits, View, decode
from vision.decode.sandbox import Cost, Decoder, Sandbox
from vision.errors import BrokenImage, DecodersUnavailable, TooCostly, TooManyPixels

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
from vision.decode import decoder
connection = socket.socket(fileno=int(sys.argv[1]))
while True:
    request, words = decoder.receive(connection, sys.maxsize)
    connection.sendall(decoder.RECEIVED)
    connection.sendall(decoder.HEAD.pack(len(words), 12) + words + bytes(12))
"""


class Liar(Decoder):
    """A process that was taken over: it says what it is told to, with twelve bytes of pixels."""

    program = ("-c", LIAR)


FATED = """
import os, signal, socket, sys
from pathlib import Path
from vision.decode import decoder
connection = socket.socket(fileno=int(sys.argv[1]))
while True:
    request, folder = decoder.receive(connection, sys.maxsize)
    fates = Path(folder.decode()).joinpath("fates")
    fate, *later = fates.read_text().split()
    fates.write_text(" ".join(later))
    if fate.startswith("EARLY-"):
        os.kill(os.getpid(), getattr(signal, fate.removeprefix("EARLY-")))
    connection.sendall(decoder.RECEIVED)
    if fate == "LATE":
        connection.sendall(decoder.HEAD.pack(100, 100))
        os.kill(os.getpid(), signal.SIGKILL)
    if fate == "EXIT":
        sys.exit(1)
    if fate == "MEMORY":
        os._exit(decoder.OUT_OF_MEMORY)
    if fate != "GOOD":
        os.kill(os.getpid(), getattr(signal, fate))
    decoder.send(connection, {"width": 2, "height": 2, "format": "PNG", "shapes": [[2, 2, 3]]}, bytes(12))
"""


class Fated(Decoder):
    """Its processes end one after the other as a file says: by a signal, before or after they took their picture."""

    program = ("-c", FATED)


class Missing(Decoder):
    """A process that ends as soon as it starts."""

    program = ("-c", "raise SystemExit(1)")


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
            if b"vision.decode.decoder" in path.read_bytes() and int(stat[1]) == os.getpid() and stat[0] != "Z":
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
        with pytest.raises(TooCostly, match=r"longer than 1 s|processor time"):
            box.decode(slow, VIEWS).result(60)
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
    """When a decode process is killed in its work, its picture is tried once more, and others do not notice."""
    with sandbox(processes=2, seconds=60) as box:
        before = pids()
        doomed = box.decode(slow, VIEWS)
        for _ in range(5):  # the other process answers while the first is busy
            assert box.decode(GOOD, VIEWS).result(30).width == 300
        assert not doomed.done()
        os.kill(wait_until(busy, 20), signal.SIGKILL)
        assert box.decode(GOOD, VIEWS).result(30).width == 300
        wait_until(lambda: pids() - before, 20)
        assert not doomed.done()
    with pytest.raises(DecodersUnavailable):
        doomed.result(30)


def fates(folder: Path, *names: str) -> bytes:
    """Say how the next processes end; returns the picture that makes them."""
    (folder / "fates").write_text(" ".join(names))
    return bytes(folder)


@pytest.fixture
def fated() -> Iterator[Fated]:
    """Start a process with a fate."""
    with contextlib.closing(Fated(Cost(1, 512 * MEBIBYTE))) as made:
        yield made


@pytest.mark.parametrize(
    "ends",
    [
        ("EARLY-SIGKILL",),
        ("SIGKILL",),
        ("SIGTERM",),
        ("LATE",),
        ("SIGSEGV",),
        ("EXIT",),
        ("SIGSTOP",),
        ("EARLY-SIGKILL", "SIGKILL", "EARLY-SIGKILL"),
    ],
)
def test_a_picture_is_tried_once_more(fated: Fated, tmp_path: Path, ends: tuple[str, ...]) -> None:
    """Whenever and however a process dies or hangs, its picture is decoded by the next one."""
    picture = fates(tmp_path, *ends, "GOOD")
    assert fated.run(TWO_BY_TWO, picture).views[0].shape == (2, 2, 3)
    assert (tmp_path / "fates").read_text() == ""


@pytest.mark.parametrize(
    "ends",
    [
        ("SIGKILL", "SIGKILL"),
        ("SIGSEGV", "SIGKILL"),
        ("SIGKILL", "SIGSEGV"),
        ("SIGSTOP", "SIGSTOP"),
        ("EARLY-SIGKILL", "EARLY-SIGKILL"),
    ],
)
def test_what_others_do_to_a_process_is_not_the_pictures_fault(
    fated: Fated, tmp_path: Path, ends: tuple[str, ...]
) -> None:
    """A picture is only blamed if it ended both processes itself; the next one is decoded as ever."""
    picture = fates(tmp_path, *ends, "GOOD")
    with pytest.raises(DecodersUnavailable):
        fated.run(TWO_BY_TWO, picture)
    assert fated.run(TWO_BY_TWO, picture).views[0].shape == (2, 2, 3)


@pytest.mark.parametrize(
    ("ends", "problem", "words"),
    [
        (("SIGSEGV", "SIGSEGV"), TooCostly, "SIGSEGV"),
        (("EXIT", "EXIT"), TooCostly, r"\(1\)"),
        (("SIGXCPU",), TooCostly, "processor time"),
        (("MEMORY",), TooManyPixels, "memory"),
    ],
)
def test_what_a_picture_does_to_its_processes(
    fated: Fated, tmp_path: Path, ends: tuple[str, ...], problem: type[Exception], words: str
) -> None:
    """A picture that crashes both processes is refused, and one that uses up a limit at once."""
    picture = fates(tmp_path, *ends, "GOOD")
    with pytest.raises(problem, match=words):
        fated.run(TWO_BY_TWO, picture)
    assert (tmp_path / "fates").read_text() == "GOOD"


def test_no_process_can_start() -> None:
    """Where no process stays alive, that is not the picture's fault."""
    with contextlib.closing(Missing(Cost(1, 512 * MEBIBYTE))) as missing, pytest.raises(DecodersUnavailable):
        missing.run(TWO_BY_TWO, GOOD)


def test_processes_that_cannot_be_made() -> None:
    """Where the system makes no more processes, pictures are not blamed; they are decoded once it does again."""
    with contextlib.closing(Decoder(Cost(10, 512 * MEBIBYTE))) as decoder:
        decoder.program = ("x" * 3_000_000,)  # more than a command line may have: execve fails
        decoder._process.kill()
        for _ in range(2):
            with pytest.raises(DecodersUnavailable):
                decoder.run({}, GOOD)
        del decoder.program
        request = {"limits": asdict(Limits(10**9, 10**9)), "views": [asdict(View(2, "stretch"))]}
        assert decoder.run(request, GOOD).views[0].shape == (2, 2, 3)


def test_the_end_of_one_picture_is_not_the_next_ones(fated: Fated, tmp_path: Path) -> None:
    """Where no process can be started after a picture that was too large, the next picture is not called too large."""
    fated.program = ("x" * 3_000_000,)
    try:
        with pytest.raises(TooManyPixels):
            fated.run(TWO_BY_TWO, fates(tmp_path, "MEMORY"))
        for _ in range(2):
            with pytest.raises(DecodersUnavailable):
                fated.run(TWO_BY_TWO, fates(tmp_path, "GOOD"))
    finally:
        del fated.program


def test_a_file_that_fills_the_memory_alone() -> None:
    """A file that is larger than the memory of its process is too large, and its process is not at fault."""
    with sandbox(memory=8 * MEBIBYTE) as box, pytest.raises(TooManyPixels, match="memory"):
        box.decode(bytes(64 * MEBIBYTE), VIEWS).result(60)


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
            first.result(60)
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
