from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from support.downloads import CONTENT, Downloader, in_a_process
from support.file_server import Answer, FileServer
from support.waiting import wait_until
from vision.download import Patience, part_of

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


@pytest.fixture
def target(tmp_path: Path) -> Path:
    """Name the file to download to, in a folder that is not there yet."""
    return tmp_path / "weights" / "file.h5"


def test_whole_file(target: Path) -> None:
    """A file arrives whole, with progress up to its size, uncompressed, and leaves no part."""
    downloader = Downloader()
    with FileServer(CONTENT) as server:
        downloader.get(server.url, target)
    assert target.read_bytes() == CONTENT
    assert downloader.progress[-1] == (len(CONTENT), len(CONTENT))
    assert server.requests[0]["Accept-Encoding"] == "identity"
    assert not part_of(target).exists()


def test_already_there(target: Path) -> None:
    """A file that is there and right is not asked for again."""
    target.parent.mkdir()
    target.write_bytes(CONTENT)
    with FileServer(CONTENT) as server:
        Downloader().get(server.url, target)
    assert server.ranges == []


def test_wrong_file_is_replaced(target: Path) -> None:
    """A wrong file at the target is replaced by the right one."""
    target.parent.mkdir()
    target.write_bytes(b"wrong")
    with FileServer(CONTENT) as server:
        Downloader().get(server.url, target)
    assert target.read_bytes() == CONTENT


def test_redirect(target: Path) -> None:
    """A redirect is followed."""
    with FileServer(CONTENT) as server:
        away = Answer(status=302, body=b"", headers={"Location": f"{server.url}/elsewhere"})
        with FileServer(CONTENT, away) as first:
            Downloader().get(first.url, target)
    assert target.read_bytes() == CONTENT


def test_unknown_size(target: Path) -> None:
    """Without a known size the server's own is reported, and the digest decides."""
    downloader = Downloader()
    with FileServer(CONTENT, Answer(cut=100_000)) as server:
        downloader.get(server.url, target, size=None)
    assert target.read_bytes() == CONTENT
    assert downloader.progress[-1] == (len(CONTENT), len(CONTENT))


@pytest.mark.parametrize("sized", [True, False])
def test_resumes_after_a_break(target: Path, sized: bool) -> None:
    """After a break, even one that looks like the end, only what is missing is asked for; the caller hears of it."""
    downloader = Downloader()
    with FileServer(CONTENT, Answer(cut=100_000, sized=sized)) as server:
        downloader.get(server.url, target)
    assert server.ranges == [None, "bytes=100000-"]
    assert target.read_bytes() == CONTENT
    assert len(downloader.retries) == 1


def test_resumes_after_a_kill(target: Path) -> None:
    """What a killed process received is where the next one goes on."""
    with FileServer(CONTENT, Answer(cut=200_000, hold=threading.Event())) as server:
        with in_a_process(server.url, target) as process:
            assert process.stdout
            next(line for line in process.stdout if int(line) == 200_000)
            process.kill()
        kept = part_of(target).stat().st_size
        Downloader().get(server.url, target)
    assert kept > 0
    assert server.ranges == [None, f"bytes={kept}-"]
    assert target.read_bytes() == CONTENT


def test_range_ignored(target: Path) -> None:
    """A server that answers a range with the whole file makes the download start over."""
    with FileServer(CONTENT, Answer(cut=100_000), Answer(ranges=False)) as server:
        Downloader().get(server.url, target)
    assert target.read_bytes() == CONTENT


def test_wrong_range(target: Path) -> None:
    """A range that starts elsewhere than asked for is not appended: the download starts over."""
    elsewhere = Answer(status=206, body=b"x", headers={"Content-Range": f"bytes 5-5/{len(CONTENT)}"})
    with FileServer(CONTENT, Answer(cut=100_000), elsewhere) as server:
        Downloader().get(server.url, target)
    assert server.ranges == [None, "bytes=100000-", None]
    assert target.read_bytes() == CONTENT


def test_range_not_satisfiable(target: Path) -> None:
    """A server that refuses the range makes the download start over."""
    with FileServer(CONTENT, Answer(cut=100_000), Answer(status=416, body=b"")) as server:
        Downloader().get(server.url, target)
    assert target.read_bytes() == CONTENT


def test_part_longer_than_the_file(target: Path) -> None:
    """A part longer than the file is thrown away."""
    target.parent.mkdir()
    part_of(target).write_bytes(CONTENT + b"more")
    with FileServer(CONTENT) as server:
        Downloader().get(server.url, target)
    assert server.ranges == [None]
    assert target.read_bytes() == CONTENT


@pytest.mark.parametrize("size", [len(CONTENT), None])
def test_part_is_already_whole(target: Path, size: int | None) -> None:
    """A part that was whole when its process ended is checked and used, whether or not the size is known."""
    target.parent.mkdir()
    part_of(target).write_bytes(CONTENT)
    with FileServer(CONTENT) as server:
        Downloader().get(server.url, target, size=size)
    assert server.ranges == ([] if size else [f"bytes={len(CONTENT)}-"])
    assert target.read_bytes() == CONTENT


def test_stop_while_receiving(target: Path) -> None:
    """A stop in the middle keeps what was received."""
    downloader, hold = Downloader(), threading.Event()
    with FileServer(CONTENT, Answer(cut=100_000, hold=hold)) as server:
        thread = downloader.begin(server.url, target)
        downloader.stop.set()
        hold.set()
        thread.join(20)
    assert not thread.is_alive()
    assert 0 < part_of(target).stat().st_size < len(CONTENT)


def test_two_at_once(target: Path) -> None:
    """Of two that want the same file one downloads it, the other waits, hears of the progress and has it then."""
    first, second, hold = Downloader(), Downloader(), threading.Event()
    with FileServer(CONTENT, Answer(cut=200_000, hold=hold)) as server:
        threads = [first.begin(server.url, target), second.begin(server.url, target)]
        hold.set()
        for thread in threads:
            thread.join(20)
    assert len(server.ranges) == 1
    assert target.read_bytes() == CONTENT
    assert second.progress[0][1] == len(CONTENT)


def test_stop_while_another_downloads(target: Path) -> None:
    """One who waits for another's download can be stopped."""
    first, second, hold = Downloader(), Downloader(), threading.Event()
    with FileServer(CONTENT, Answer(cut=200_000, hold=hold)) as server:
        thread = first.begin(server.url, target)
        second.stop.set()
        second.get(server.url, target)
        hold.set()
        thread.join(20)
    assert target.read_bytes() == CONTENT


def test_one_that_waits_lets_others_try(target: Path) -> None:
    """While a download waits for its server another may ask a second one; both have the file then."""
    first, second = Downloader(), Downloader()
    with FileServer(CONTENT) as server:
        thread = threading.Thread(
            target=first.get,
            args=("http://127.0.0.1:9/file", target),
            kwargs={"patience": Patience(first=1, longest=1)},
        )
        thread.start()
        wait_until(lambda: first.retries, 10)
        second.get(server.url, target)
        thread.join(10)
    assert not thread.is_alive()
    assert target.read_bytes() == CONTENT
