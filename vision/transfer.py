"""One attempt at a download: what is missing of a file, from one HTTP response, appended to its part."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import TYPE_CHECKING

import httpx

from vision.files import size_of

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable
    from pathlib import Path

    from vision.files import RemoteFile

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


def ignore(*_: object) -> None:
    """Tell nobody."""


@dataclass(frozen=True, slots=True)
class Watch:
    """The caller's side of a download, as `vision.download.download` describes it."""

    progress: Callable[[int, int], None]
    on_retry: Callable[[str, float], None]
    stop: threading.Event

    def check(self) -> None:
        """Raise DownloadStopped where the caller asked for an end."""
        if self.stop.is_set():
            raise DownloadStopped


def receive(client: httpx.Client, remote: RemoteFile, part: Path, watch: Watch) -> None:
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
    """Tell whether a server refuses a range because there is nothing after what we have."""
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
