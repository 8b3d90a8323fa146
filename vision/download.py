"""Downloads that survive breaks, restarts and each other, and leave a right file or none."""

from __future__ import annotations

import random
import shutil
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import httpx
from filelock import FileLock, Timeout

from vision.files import RemoteFile, checksum, publish, size_of
from vision.transfer import DownloadError, DownloadStopped, ForeignFile, Interrupted, Watch, ignore, receive

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Iterator
    from pathlib import Path

__all__ = ["PATIENCE", "DownloadError", "Patience", "download", "part_of"]

_CONNECT_SECONDS = 10.0


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


def part_of(target: Path) -> Path:
    """Name the file that holds what was received so far."""
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
    receive(client, remote, part, watch)
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
