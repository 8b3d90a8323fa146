from __future__ import annotations

import threading
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import TYPE_CHECKING

import pytest

from support.downloads import CONTENT, SHA256, Downloader, in_a_process
from support.file_server import Answer, FileServer
from support.waiting import wait_until
from vision.download import DownloadError, Patience, part_of

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


@pytest.fixture
def target(tmp_path: Path) -> Path:
    """Name the file to download to, in a folder that is not there yet."""
    return tmp_path / "weights" / "file.h5"


def test_wrong_digest_once(target: Path) -> None:
    """A damaged file is fetched again from the start."""
    with FileServer(CONTENT, Answer(body=bytes(len(CONTENT)))) as server:
        Downloader().get(server.url, target)
    assert server.ranges == [None, None]
    assert target.read_bytes() == CONTENT


def test_wrong_digest_twice(target: Path) -> None:
    """Twice the wrong digest ends the download, names both digests, and leaves neither file nor part."""
    with FileServer(bytes(len(CONTENT))) as server, pytest.raises(DownloadError, match=f"SHA256 is .* where {SHA256}"):
        Downloader().get(server.url, target)
    assert len(server.ranges) == 2
    assert not target.exists()
    assert not part_of(target).exists()


def test_wrong_size(target: Path) -> None:
    """A server whose file is too short is refused, with both sizes, before its bytes replace what is there."""
    target.parent.mkdir()
    part_of(target).write_bytes(CONTENT[:100_000])
    with (
        FileServer(CONTENT, *[Answer(body=b"<html>", ranges=False)] * 2) as server,
        pytest.raises(DownloadError, match=r"6 bytes where 300,000 are expected"),
    ):
        Downloader().get(server.url, target)
    assert part_of(target).read_bytes() == CONTENT[:100_000]


@pytest.mark.parametrize("sized", [True, False])
def test_too_many_bytes(target: Path, sized: bool) -> None:
    """What a server sends beyond the file's size is cut off, not stored."""
    downloader = Downloader()
    with FileServer(CONTENT, Answer(body=CONTENT + bytes(5_000_000), sized=sized)) as server:
        downloader.get(server.url, target)
    assert target.read_bytes() == CONTENT
    assert downloader.progress[-1] == (len(CONTENT), len(CONTENT))


@pytest.mark.parametrize("status", [401, 403, 404, 410, 204])
def test_refusal(target: Path, status: int) -> None:
    """What waiting cannot mend ends the download at once, with the address and the answer, but no password."""
    with FileServer(CONTENT, Answer(status=status, body=b"")) as server:
        url = server.url.replace("//", "//me:secret@") + "/a.h5"
        with pytest.raises(DownloadError, match=f"^http://127.0.0.1:.*/a.h5: the server answers {status} "):
            Downloader().get(url, target)
    assert len(server.ranges) == 1
    assert not target.exists()


@pytest.mark.parametrize("url", ["ftp://127.0.0.1/a.h5", "http://[::1", "file"])
def test_address_that_cannot_be(target: Path, url: str) -> None:
    """An address that is none ends the download at once."""
    with pytest.raises(DownloadError):
        Downloader().get(url, target)


@pytest.mark.parametrize("status", [408, 429, 500, 503])
def test_passing_trouble(target: Path, status: int) -> None:
    """A server that is busy or broken is asked again."""
    downloader = Downloader()
    with FileServer(CONTENT, *[Answer(status=status, body=b"")] * 3) as server:
        downloader.get(server.url, target)
    assert [str(status) in message for message, _ in downloader.retries] == [True] * 3
    assert target.read_bytes() == CONTENT


def test_nobody_there(target: Path) -> None:
    """While no server answers, the waits double up to the longest, and it is tried for ever."""
    with FileServer(CONTENT) as server:
        url_of_nobody = server.url
    downloader = Downloader()
    thread = threading.Thread(target=downloader.get, args=(url_of_nobody, target))
    thread.start()
    wait_until(lambda: len(downloader.retries) >= 5, 20)
    downloader.stop.set()
    thread.join(20)
    assert not thread.is_alive()
    for (message, seconds), longest in zip(downloader.retries, [0.01, 0.02, 0.04, 0.05, 0.05], strict=False):
        assert "refused" in message
        assert longest / 2 <= seconds <= longest


@pytest.mark.parametrize("form", ["seconds", "date"])
def test_retry_after(target: Path, form: str) -> None:
    """A server's Retry-After, in seconds or as a date, is waited for."""
    date = datetime.now(UTC) + timedelta(seconds=31)
    value = "30" if form == "seconds" else format_datetime(date, usegmt=True)
    downloader = Downloader(impatient=True)
    with FileServer(CONTENT, Answer(status=503, body=b"", headers={"Retry-After": value})) as server:
        downloader.get(server.url, target)
    assert 15 < downloader.retries[0][1] <= 31


@pytest.mark.parametrize("value", ["soon", "²", "-5", "9" * 5000])
def test_retry_after_makes_no_sense(target: Path, value: str) -> None:
    """A Retry-After that cannot be read, or asks for years, never harms."""
    downloader = Downloader(impatient=True)
    with FileServer(CONTENT, Answer(status=429, body=b"", headers={"Retry-After": value})) as server:
        downloader.get(server.url, target)
    assert downloader.retries[0][1] <= 3600


def test_stop_while_waiting(target: Path) -> None:
    """A stop ends a long wait at once; neither file nor error comes of it."""
    downloader = Downloader(impatient=True)
    started = time.monotonic()
    with FileServer(CONTENT, Answer(status=503, body=b"")) as server:
        downloader.get(server.url, target, patience=Patience(first=60))
    assert time.monotonic() - started < 30  # half of the wait, which is the least that it can be
    assert not target.exists()


def test_no_room(target: Path) -> None:
    """Where the disk has too little room nothing is asked for, and the message has both numbers."""
    with FileServer(CONTENT) as server, pytest.raises(DownloadError, match=r"1,000,000,000,000,000 bytes more.*left"):
        Downloader().get(server.url, target, size=10**15)
    assert server.ranges == []


def test_disk_refuses(target: Path) -> None:
    """A disk that takes no more ends the download with the disk's own reason, and what it took is kept."""
    with FileServer(CONTENT) as server, in_a_process(server.url, target, limit=100_000) as process:
        errors = process.communicate(timeout=60)[1]
    assert f"DownloadError: {target}: cannot be written (File too large)." in errors
    assert part_of(target).stat().st_size == 100_000
    assert not target.exists()


def test_folder_that_cannot_be(tmp_path: Path) -> None:
    """A folder that cannot be made ends the download at once."""
    (tmp_path / "file").touch()
    with pytest.raises(DownloadError, match="cannot be written"):
        Downloader().get("http://127.0.0.1:9", tmp_path / "file" / "weights.h5")


def test_proxy_that_cannot_be(target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy of a kind that httpx cannot use is named, not a crash."""
    monkeypatch.setenv("ALL_PROXY", "socks5://127.0.0.1:9")
    with pytest.raises(DownloadError, match="proxy"):
        Downloader().get("http://example.test/a.h5", target)
