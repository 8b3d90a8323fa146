"""Downloads that survive breaks, restarts and each other, and leave a right file or none.

`download` tries until the file is there; `_receive` is one attempt: what is missing, from one HTTP response, appended
to the part that is there.
"""

from __future__ import annotations

import random
import re
import shutil
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import TYPE_CHECKING

import httpx
from filelock import FileLock, Timeout

from vision.files import RemoteFile, checksum, publish, size_of

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Iterator
    from pathlib import Path

_CONNECT_SECONDS = 10.0
# Answers below 500 that the same request may not get a second time.
_PASSING = (HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY, HTTPStatus.TOO_MANY_REQUESTS)
_LONGEST_RETRY_AFTER = 3600.0  # seconds; a server that asks for more is asked again all the same
# RFC 9110, section 14.4; eighteen digits are an exabyte, and no work for int().
_CONTENT_RANGE = re.compile(r"bytes (?:([0-9]{1,18})-[0-9]{1,18}|\*)/(?:([0-9]{1,18})|\*)", re.IGNORECASE)
_NUMBER = re.compile(r"[0-9]{1,18}")


class DownloadError(Exception):
    """Waiting cannot mend it; the message, one line, says what is wrong."""


class DownloadStopped(Exception):
    """The caller asked for an end; what was received is kept, and the next download goes on from there."""


class Interrupted(Exception):
    """An attempt failed that may succeed later, after `wait` seconds at least."""

    def __init__(self, message: str, wait: float = 0.0) -> None:
        super().__init__(message)
        self.wait = wait


class ForeignFile(Exception):
    """The server has another file than expected."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a download waits, in seconds: after a first failure, at most, and for a silent server."""

    first: float = 1.0
    longest: float = 60.0
    read: float = 20.0

    def after(self, failures: int) -> float:
        """Choose the wait after so many failures in a row: it doubles, less up to half of it.

        The jitter keeps many who lost the same server from coming back at once
        (https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/).
        """
        wait = min(self.longest, self.first * 2.0 ** min(failures - 1, 30))
        return wait * random.uniform(0.5, 1.0)  # noqa: S311 - nothing secret


PATIENCE = Patience()


def ignore(*_: object) -> None:
    """Do not report progress."""


@dataclass(frozen=True, slots=True)
class Watch:
    """The caller's side of a download, as `download` describes it."""

    progress: Callable[[int, int], None]
    on_retry: Callable[[str, float], None]
    stop: threading.Event

    def check(self) -> None:
        """Raise DownloadStopped where the caller asked for an end."""
        if self.stop.is_set():
            raise DownloadStopped


def part_of(target: Path) -> Path:
    """Return the file that holds what was received so far."""
    return target.with_name(f"{target.name}.part")


def download(  # noqa: PLR0913, PLR0917 - what is wanted, where it goes, and the caller's three ends
    url: str,
    target: Path,
    size: int | None,
    digest: tuple[str, str],
    progress: Callable[[int, int], None],
    stop: threading.Event,
    on_retry: Callable[[str, float], None] = ignore,
    patience: Patience = PATIENCE,
) -> None:
    """Put a file at `target`, unless it is there already; blocks until then, however long the network is away.

    `size` in bytes and `digest`, hashlib's name of the algorithm and the hexadecimal digest, say what it has to be.
    `progress(done, total)` hears of bytes, total 0 where it is not known; `on_retry(message, seconds)` of what went
    wrong and how long it waits before it tries again. Setting `stop` makes it return, without the file; while a server
    is silent that takes up to `patience.read` seconds.

    What is received goes into `part_of(target)`, which is kept over breaks and restarts and gets its name only when
    size and digest are right. One process downloads at a time; others wait for it, and have the file then too.

    Raises:
        DownloadError: the server refuses, has another file (asked twice), or the disk is full or cannot be written.
    """
    remote, watch = RemoteFile(url, size, *digest), Watch(progress, on_retry, stop)
    try:
        if _is_right(remote, target):  # before anything is written: the folder may be read-only
            return
        target.parent.mkdir(parents=True, exist_ok=True)
        _fetch(remote, target, watch, patience)
    except DownloadStopped:
        return
    except OSError as error:
        raise DownloadError(f"{target}: cannot be written ({error.strerror or error}).") from error


@contextmanager
def _alone(remote: RemoteFile, target: Path, watch: Watch) -> Iterator[None]:
    """Keep other processes and threads from the same target; while one of them has it, report its progress."""

    def stopped() -> bool:
        watch.progress(size_of(part_of(target)), remote.size or 0)
        return watch.stop.is_set()

    try:
        lock = FileLock(target.with_name(f"{target.name}.lock")).acquire(poll_interval=0.1, cancel_check=stopped)
    except Timeout:
        raise DownloadStopped from None
    with lock:
        yield


def _is_right(remote: RemoteFile, path: Path) -> bool:
    if not path.exists() or remote.size not in (None, size_of(path)):
        return False
    return checksum(path, remote.algorithm) == remote.digest


def _fetch(remote: RemoteFile, target: Path, watch: Watch, patience: Patience) -> None:
    """Try until the file is there, or nothing can be hoped for. Between attempts others may try, or put it there."""
    part = part_of(target)
    failures = most = 0
    foreign = False
    with _client(patience) as client:
        while True:
            with _alone(remote, target, watch):
                if _is_right(remote, target):
                    return None
                try:
                    return _attempt(client, remote, target, watch)
                except Interrupted as error:
                    reason, least = str(error), error.wait
                except ForeignFile as error:
                    if foreign:
                        raise DownloadError(str(error)) from error
                    foreign, reason, least = True, str(error), 0.0
            # Only what was never reached before counts as getting on: a server may start over each time.
            failures = 1 if size_of(part) > most else failures + 1
            most = max(most, size_of(part))
            _pause(reason, max(least, patience.after(failures)), watch)


def _attempt(client: httpx.Client, remote: RemoteFile, target: Path, watch: Watch) -> None:
    watch.check()
    part = part_of(target)
    _check_space(remote, part)
    _receive(client, remote, part, watch)
    _finish(remote, part, target)


def _client(patience: Patience) -> httpx.Client:
    # Compressed bytes could neither be counted nor resumed.
    headers = {"Accept-Encoding": "identity", "User-Agent": "bestguess"}
    timeout = httpx.Timeout(patience.read, connect=_CONNECT_SECONDS)
    try:
        return httpx.Client(headers=headers, timeout=timeout, follow_redirects=True)
    except (ImportError, OSError, ValueError) as error:  # HTTPS_PROXY, SSL_CERT_FILE and their kin
        raise DownloadError(f"the environment's proxy or certificates cannot be used ({error}).") from error


def _check_space(remote: RemoteFile, part: Path) -> None:
    missing = (remote.size or 0) - size_of(part)
    free = shutil.disk_usage(part.parent).free
    if missing > free:
        raise DownloadError(f"{part.parent}: {missing:,} bytes more are needed, and the disk has {free:,} left.")


def _finish(remote: RemoteFile, part: Path, target: Path) -> None:
    found = checksum(part, remote.algorithm)
    if found != remote.digest:
        part.unlink()
        name = remote.algorithm.upper()
        raise ForeignFile(f"{remote.place}: its {name} is {found} where {remote.digest} is expected.")
    publish(part, target)


def _pause(reason: str, seconds: float, watch: Watch) -> None:
    watch.on_retry(reason, seconds)
    if watch.stop.wait(seconds):
        raise DownloadStopped


def _receive(client: httpx.Client, remote: RemoteFile, part: Path, watch: Watch) -> None:
    """Complete `part`, going on from what it holds; what it holds is not yet compared with the digest.

    Raises:
        Interrupted: the connection broke, or the server cannot answer now.
        ForeignFile: the server's file has another size, or ends before the part does.
        DownloadError: the server will not answer otherwise later.
        DownloadStopped: the caller asked for an end.
        OSError: the disk is full or refuses.
    """
    have = _usable(part, remote.size)
    if have == remote.size:
        return
    headers = {"Range": f"bytes={have}-"} if have else {}
    try:
        with client.stream("GET", remote.url, headers=headers) as response:
            if not (have and _has_all(response, have)):
                start = _start(response, remote, part, have)
                _append(response, remote, part, start, watch)
    except (httpx.InvalidURL, httpx.UnsupportedProtocol, httpx.TooManyRedirects) as error:
        raise DownloadError(f"{remote.place}: {error}.") from error
    except httpx.TransportError as error:
        raise Interrupted(f"{remote.place}: {str(error) or type(error).__name__}.") from error


def _usable(part: Path, size: int | None) -> int:
    """Count the bytes to go on from; a part longer than the file is of no use."""
    have = size_of(part)
    if size is not None and have > size:
        part.unlink()
        return 0
    return have


def _has_all(response: httpx.Response, have: int) -> bool:
    """Return whether a server refuses a range because there is nothing after what we have."""
    return response.status_code == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE and _range(response) == (None, have)


def _start(response: httpx.Response, remote: RemoteFile, part: Path, have: int) -> int:
    """Find where in the file a response begins, 0 or what we have; discard a part that the server cannot go on from."""
    start, total = 0, _length(response)
    if response.status_code == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE and have:
        part.unlink()
        raise ForeignFile(f"{remote.place}: the server's file ends before byte {have:,}.")
    if response.status_code == HTTPStatus.PARTIAL_CONTENT:
        first, total = _range(response)
        if first != have:
            part.unlink(missing_ok=True)
            raise ForeignFile(f"{remote.place}: the server sends another range than asked for.")
        start = have
    elif response.status_code != HTTPStatus.OK:
        _refuse(response, remote)
    # More than expected is only cut: the digest decides. With less, the part may still be good for a better answer.
    if remote.size and total is not None and total < remote.size:
        raise ForeignFile(f"{remote.place}: {total:,} bytes where {remote.size:,} are expected.")
    return start


def _append(response: httpx.Response, remote: RemoteFile, part: Path, start: int, watch: Watch) -> None:
    length = _length(response)
    total = remote.size or (start + length if length is not None else 0)
    done = start
    with part.open("ab" if start else "wb") as file:
        for chunk in response.iter_raw():
            watch.check()
            done += file.write(chunk if remote.size is None else chunk[: remote.size - done])
            watch.progress(done, total)
            if done == remote.size:
                return
    if done < total:
        raise Interrupted(f"{remote.place}: the answer ended after {done:,} of {total:,} bytes.")


def _refuse(response: httpx.Response, remote: RemoteFile) -> None:
    reason = f" {response.reason_phrase}" if response.reason_phrase else ""
    answer = f"{remote.place}: the server answers {response.status_code}{reason}."
    if response.is_server_error or response.status_code in _PASSING:
        raise Interrupted(answer, _retry_after(response.headers.get("Retry-After", "")))
    raise DownloadError(answer)


def _retry_after(value: str) -> float:
    """Read RFC 9110's Retry-After, seconds or a date; 0 where there is none to read."""
    try:
        seconds = float(value) if _NUMBER.fullmatch(value) else _until(parsedate_to_datetime(value))
    except (ValueError, OverflowError):
        return 0.0
    return min(max(seconds, 0.0), _LONGEST_RETRY_AFTER)


def _until(moment: datetime) -> float:
    return (moment.replace(tzinfo=moment.tzinfo or UTC) - datetime.now(UTC)).total_seconds()


def _range(response: httpx.Response) -> tuple[int | None, int | None]:
    """Read a Content-Range: its first byte and the file's size, None for what is not said."""
    match = _CONTENT_RANGE.fullmatch(response.headers.get("Content-Range", ""))
    first, size = match.groups() if match else (None, None)
    return int(first) if first else None, int(size) if size else None


def _length(response: httpx.Response) -> int | None:
    value = response.headers.get("Content-Length", "")
    return int(value) if _NUMBER.fullmatch(value) else None
