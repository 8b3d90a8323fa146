"""`bestguess up` with a fake API, run as a process and observed from outside."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from support.ports import free_port
from support.waiting import wait_until
from support.worker_processes import BUSY

DRIVER = Path(__file__).with_name("supervisor_driver.py")
PATIENCE = 60  # seconds for a start, on a machine that is busy


class Up:
    """One supervisor; what it and its children write goes to the files `notes`.out and .err."""

    def __init__(self, notes: Path, behaviour: str, environment: dict[str, str]) -> None:
        self._out, self._err = notes.with_suffix(".out"), notes.with_suffix(".err")
        with self._out.open("wb") as out, self._err.open("wb") as err:
            self.process = subprocess.Popen(
                [sys.executable, DRIVER, behaviour], stdout=out, stderr=err, env=os.environ | environment
            )

    @property
    def out(self) -> str:
        """Standard output so far."""
        return self._out.read_text()

    @property
    def err(self) -> str:
        """Standard error so far."""
        return self._err.read_text()

    def started(self, sign: str = "page ") -> Up:
        """Wait for the address to be shown, or for another sign on standard output."""
        wait_until(lambda: sign in self.out or self.process.poll() is not None, PATIENCE)
        assert self.process.poll() is None, self.err
        return self

    def ended(self, seconds: float = 5) -> int:
        """The exit code, which must be there within so many seconds, and what a busy machine takes."""
        return self.process.wait(seconds + BUSY)

    def apis(self) -> list[dict[str, str]]:
        """What each API that was started has said of itself: its pid and its redis_url."""
        return [json.loads(line) for line in self.out.splitlines() if line.startswith("{")]

    def redis(self) -> redis.Redis:
        """A client of the Redis that the last API was told of; it tries once."""
        url = self.apis()[-1]["redis_url"]
        return redis.Redis.from_url(url, decode_responses=True, retry=Retry(NoBackoff(), 0))

    def redis_pid(self) -> int:
        """The private Redis's process."""
        with self.redis() as client:
            return int(client.info("server")["process_id"])

    def groups(self) -> list[int]:
        """The process groups of Redis and of every API that was started."""
        return [self.redis_pid(), *(int(api["pid"]) for api in self.apis())]


class Starter:
    """Starts one `up` after another on one data folder, whose name is a trap for whoever quotes badly."""

    def __init__(self, folder: Path) -> None:
        self.data_dir = folder / 'data [1]* of "me"'
        self.port = free_port()
        self._folder = folder
        self._ups: list[Up] = []

    def __call__(self, behaviour: str = "polite", **environment: str) -> Up:
        """Start one; `behaviour` is the stand-in's."""
        notes = self._folder / f"up{len(self._ups)}"
        # What it says is looked at as a person sees it, though it goes to a file.
        settings = {
            "BESTGUESS_LOG_FORMAT": "console",
            "BESTGUESS_DATA_DIR": str(self.data_dir),
            "BESTGUESS_PORT": str(self.port),
        }
        self._ups.append(Up(notes, behaviour, settings | environment))
        return self._ups[-1]

    def close(self) -> None:
        """End those that a test has left."""
        for up in self._ups:
            up.process.terminate()
            try:
                up.ended()
            except subprocess.TimeoutExpired:
                up.process.kill()
                up.process.wait()
