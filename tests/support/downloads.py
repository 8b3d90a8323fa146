"""A download of a small file that records its progress reports."""

from __future__ import annotations

import hashlib
import random
import subprocess
import sys
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from vision.download import Patience, download

if TYPE_CHECKING:
    from pathlib import Path

CONTENT = random.Random(0).randbytes(300_000)
SHA256 = hashlib.sha256(CONTENT).hexdigest()
QUICK = Patience(first=0.01, longest=0.05, read=5)
# What a second process runs: the same call, telling of its progress line by line.
SCRIPT = """
import pathlib, resource, sys, threading
from vision.download import download
url, target, size, digest, limit = sys.argv[1:]
before = resource.getrlimit(resource.RLIMIT_FSIZE)
resource.setrlimit(resource.RLIMIT_FSIZE, (int(limit), before[1]))
tell = lambda done, total: print(done, flush=True)
try:
    download(url, pathlib.Path(target), int(size), ("sha256", digest), tell, threading.Event())
finally:
    resource.setrlimit(resource.RLIMIT_FSIZE, before)
"""


@dataclass
class Downloader:
    """Asks for `CONTENT` unless told otherwise; `impatient` stops at the first trouble."""

    impatient: bool = False
    progress: list[tuple[int, int]] = field(default_factory=list)
    retries: list[tuple[str, float]] = field(default_factory=list)
    stop: threading.Event = field(default_factory=threading.Event)
    heard: threading.Event = field(default_factory=threading.Event)

    def on_progress(self, done: int, total: int) -> None:
        """Note how far it is."""
        self.progress.append((done, total))
        self.heard.set()

    def on_retry(self, message: str, seconds: float) -> None:
        """Note what went wrong."""
        self.retries.append((message, seconds))
        if self.impatient:
            self.stop.set()

    def get(self, url: str, target: Path, *, size: int | None = len(CONTENT), patience: Patience = QUICK) -> None:
        """Download; blocks."""
        download(url, target, size, ("sha256", SHA256), self.on_progress, self.stop, self.on_retry, patience)

    def begin(self, url: str, target: Path) -> threading.Thread:
        """Download in a thread; returns once there was progress."""
        thread = threading.Thread(target=self.get, args=(url, target))
        thread.start()
        assert self.heard.wait(20)
        return thread


def in_a_process(url: str, target: Path, limit: int = 10**9) -> subprocess.Popen[str]:
    """Download in a process of its own, which may write no file longer than `limit` bytes."""
    arguments = [url, str(target), str(len(CONTENT)), SHA256, str(limit)]
    command = [sys.executable, "-c", SCRIPT, *arguments]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
