"""One place behind fsspec, whose calls end within a time and know one error: ArtifactsUnavailable."""

from __future__ import annotations

import inspect
import time
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

from jobs.artifacts.errors import ArtifactsUnavailable, unavailable, without_password
from jobs.deadline import within

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

ANSWER_SECONDS = 20.0  # for a call that moves no file
SLOWEST = 256 * 1024  # bytes a second; a transfer that is slower is taken for hung
# Tries are counted once, by botocore: s3fs would multiply them, and its own waits for ever where a server takes the
# connection and is silent to `Expect: 100-continue`.
_S3 = {
    "config_kwargs": {
        "connect_timeout": 3,
        "read_timeout": 8,
        "retries": {"total_max_attempts": 2, "mode": "standard"},
    }
}
_OPTIONS: dict[str, dict[str, Any]] = {"s3": _S3, "s3a": _S3}


class Remote:
    """Files below a URL, by their paths relative to it; threads can share it.

    A call ends within `answer_seconds`, and a file's transfer a second later for each 256 KiB.
    """

    def __init__(self, url: str, answer_seconds: float = ANSWER_SECONDS) -> None:
        self.url = url.rstrip("/")
        self._answer_seconds = answer_seconds
        self.place = without_password(self.url)

    def find(self, path: str = "") -> list[str]:
        """Name all files below a path; none if there is no such path."""
        full, top = self._full(path), self._full("") + "/"
        try:
            found = self._call("find", full)
        except FileNotFoundError as error:  # a bucket: a path without files is no error
            raise unavailable(self.url, error) from error
        # Some servers keep a folder that has become empty, and name it.
        return [name.removeprefix(top) for name in found if name.startswith(f"{full}/")]

    def put(self, local: Path, path: str) -> None:
        """Write a file, which is there whole or not at all once this returns or raises.

        Raises:
            ArtifactsUnavailable: also where the local file is gone.
        """
        try:
            size = local.stat().st_size
            self._call("put_file", str(local), self._full(path), size=size)
        except FileNotFoundError as error:
            raise unavailable(self.url, error) from error

    def get(self, path: str, local: Path) -> None:
        """Copy a file to this machine.

        Raises:
            FileNotFoundError: there is none.
        """
        full = self._full(path)
        self._call("get_file", full, str(local), size=self._call("size", full) or 0)

    def read_piece(self, path: str, offset: int, size: int) -> bytes:
        """Return so many bytes of a file, or fewer at its end.

        Raises:
            FileNotFoundError: there is none.
        """
        if size == 0:  # S3 knows no range of nothing
            return b""
        content: bytes = self._call("cat_file", self._full(path), size=size, start=offset, end=offset + size)
        return content

    def remove(self, path: str) -> None:
        """Remove a file; nothing if there is none."""
        try:
            self._call("rm_file", self._full(path))
        except FileNotFoundError:
            return

    def age(self, path: str) -> float | None:
        """Return how many seconds ago a file was written; None where the file system does not tell.

        Raises:
            FileNotFoundError: there is none.
        """
        try:
            modified: float = self._call("modified", self._full(path)).timestamp()
        except ArtifactsUnavailable as error:
            if isinstance(error.__cause__, NotImplementedError):  # FTP's, and others'
                return None
            raise
        return time.time() - modified

    def _full(self, path: str) -> str:
        return f"{self._made[1]}/{path}".rstrip("/")

    def _call(self, method: str, *arguments: object, size: int = 0, **named: object) -> Any:  # noqa: ANN401 - fsspec's
        """Call a method of the file system that moves so many bytes."""
        filesystem, seconds = self._made[0], self._answer_seconds + size / SLOWEST
        call = partial(getattr(filesystem, method), *arguments, **named)
        try:
            if inspect.iscoroutinefunction(getattr(filesystem, f"_{method}", None)):
                return call(timeout=seconds)
            return self._aside(seconds, call)
        except FileNotFoundError:
            raise
        except Exception as error:
            raise unavailable(self.url, error) from error

    def _aside(self, seconds: float, call: Callable[[], Any]) -> Any:  # noqa: ANN401
        """Make a call that knows no limit; after one that hangs the next connects anew."""
        try:
            return within(seconds, call)
        except TimeoutError:
            self.__dict__.pop("_made", None)
            raise

    @cached_property
    def _made(self) -> tuple[Any, str]:
        """The file system, and what it calls the URL; made by the first call, so that a mere URL imports nothing."""
        from fsspec import config, core  # type: ignore[import-untyped] # noqa: PLC0415

        protocol = self.url.partition("://")[0]
        asked = config.conf.get(protocol, {})  # an operator's own options for this protocol go before ours
        ours = {name: value for name, value in _OPTIONS.get(protocol, {}).items() if name not in asked}
        try:
            # What other processes write has to be seen, so nothing is remembered.
            make = partial(core.url_to_fs, self.url, use_listings_cache=False, skip_instance_cache=True, **ours)
            made, root = within(self._answer_seconds, make)  # some connect at once
        except Exception as error:
            raise unavailable(self.url, error) from error
        if protocol in _OPTIONS:
            made.retries = 1
        return made, root
