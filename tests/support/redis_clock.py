"""Redis with a clock that a test can set, by libfaketime (a Debian package)."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from bestguess.supervisor.redis import executables
from support.redis_server import LiveRedis
from support.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

LIBRARIES = ("/usr/lib/*/faketime/libfaketime.so.1", "/opt/homebrew/lib/faketime/libfaketime.1.dylib")
CLOSE = 60.0  # seconds: a machine is slow, an hour is more


class ClockedRedis(LiveRedis):
    """One server that lives by a clock of its own."""

    def __init__(self, folder: Path, library: Path) -> None:
        self._clock = folder / "clock"
        self._clock.write_text("+0")
        words = {"LD_PRELOAD": str(library), "FAKETIME_TIMESTAMP_FILE": str(self._clock), "FAKETIME_NO_CACHE": "1"}
        super().__init__(folder, os.environ | words | {"FAKETIME_DONT_FAKE_MONOTONIC": "1"})

    def jump(self, seconds: int) -> None:
        """Set its clock so far before or behind the machine's."""
        beside = self._clock.with_suffix(".new")
        beside.write_text(f"{seconds:+d}")
        beside.replace(self._clock)  # whole at any moment
        wait_until(lambda: abs(self._ahead() - seconds) < CLOSE, 60)

    def _ahead(self) -> float:
        with self.client() as client:
            seconds, _ = client.time()
        return float(seconds - time.time())

    @staticmethod
    def program() -> Path | None:
        """Choose the one that Python's package carries: Debian's asks for the time before libfaketime is ready."""
        return [*executables()][-1]


@contextmanager
def clocked_redis() -> Iterator[ClockedRedis]:
    """Start one, and end it after the block."""
    library = next((path for pattern in LIBRARIES for path in Path("/").glob(pattern[1:])), None)
    if library is None:
        pytest.skip("libfaketime is not installed, which sets Redis's clock")
    folder = Path(tempfile.mkdtemp(prefix="redis-"))
    server = ClockedRedis(folder, library)
    try:
        server.start()
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder)
