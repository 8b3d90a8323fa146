"""Redis server for a test: a Unix socket in its own folder, AOF; it can be killed, paused and restarted."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from bestguess.supervisor.redis import executables
from support.server_process import ServerProcess
from support.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


class LiveRedis(ServerProcess):
    """One server and its data; `url` stays the same over restarts."""

    def __init__(self, folder: Path, environment: Mapping[str, str] | None = None) -> None:
        self._folder, self._environment = folder, environment
        self.url = f"unix://{folder}/redis.sock"

    @property
    def pid(self) -> int:
        """The server's process."""
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        """Start the server, on the data that are there, and wait until it answers."""
        program = self.program()
        if program is None:
            pytest.skip("no Redis server on this machine")
        settings = ["--port", "0", "--unixsocket", f"{self._folder}/redis.sock", "--dir", str(self._folder)]
        # Written before each answer, but not synchronised: that outlives the process, which is all that a test can end,
        # and a busy disk does not make the server silent.
        settings += ["--appendonly", "yes", "--appendfsync", "no", "--save", "", "--loglevel", "warning"]
        settings += ["--maxmemory-policy", "noeviction"]
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen([program, *settings], stdout=log, stderr=log, env=self._environment)
        wait_until(self._answers, 60)

    @staticmethod
    def program() -> Path | None:
        """Choose the server, as `bestguess up` does."""
        return next(executables(), None)

    def kill(self) -> None:
        """End it by kill -9."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def client(self) -> redis.Redis:
        """A plain client, to look at the server with; it tries once."""
        return redis.Redis.from_url(self.url, decode_responses=True, retry=Retry(NoBackoff(), 0))

    def _answers(self) -> bool:
        with self.client() as client:
            try:
                return bool(client.ping())
            except redis.RedisError:
                return False


@contextmanager
def live_redis() -> Iterator[LiveRedis]:
    """Start a server, and end it after the block."""
    folder = Path(tempfile.mkdtemp(prefix="redis-"))  # a socket's path may have 100 bytes, which pytest's exceed
    server = LiveRedis(folder)
    try:
        server.start()
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder)
