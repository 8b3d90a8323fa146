"""The command line against a running service, in a folder with images."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from support.images import encoded, noise, seven
from support.live_server import Serve, ready
from support.photo_datasets import png
from support.redis_server import live_redis
from support.terminal import Terminal
from support.worker_processes import Workplace, small_mnist

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@dataclass(frozen=True)
class Desk:
    """Where a person sits: a folder with pictures, and the environment that names the service."""

    folder: Path
    place: Workplace
    environment: dict[str, str]

    def command(self, *arguments: str) -> list[str]:
        """Say what is typed."""
        return [sys.executable, "-m", "bestguess", *arguments]

    def types(self, *arguments: str, stdin: bytes | None = None) -> subprocess.CompletedProcess[bytes]:
        """Run a command whose output goes into a pipe."""
        return subprocess.run(
            self.command(*arguments),
            cwd=self.folder,
            env=self.environment,
            input=stdin,
            capture_output=True,
            check=False,
        )

    def terminal(self, *arguments: str, columns: int = 80) -> Terminal:
        """Run a command in a terminal."""
        return Terminal(self.command(*arguments), self.environment, columns)


def petted(each: int = 5) -> dict[str, bytes]:
    """Draw the files of a folder with two classes, and one that is no photograph."""
    drawn = {f"pets/{name}/{n}.png": png(label, n) for label, name in enumerate(("cats", "dogs")) for n in range(each)}
    return drawn | {"pets/cats/notes.txt": b"no picture"}


def read_aloud(page: Path, desk: Desk) -> dict[str, Any]:
    """Run the blocks of Python of a page as somebody at the desk; return what they have made."""
    names: dict[str, Any] = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(desk.folder)
        patch.setenv("BESTGUESS_URL", desk.environment["BESTGUESS_URL"])
        for block in re.findall(r"```python\n(.*?)```", page.read_text(), re.DOTALL):
            exec(compile(block, str(page), "exec"), names)  # noqa: S102 - our own page
    return names


@contextmanager
def at_desk(folder: Path) -> Iterator[Desk]:
    """Start Redis, a worker and the API with its stand-in network, and end them after the block."""
    (folder / "photo.jpg").write_bytes(encoded(noise((300, 200)), "JPEG"))
    seven().save(folder / "seven.png")
    for name, data in petted().items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    with live_redis() as redis:
        place = Workplace(redis, folder / "data", small_mnist(folder / "mnist.npz"))
        place.start()
        try:
            with Serve(folder / "data")(redis_url=redis.url, decode_processes=1) as client:
                ready(client)
                yield Desk(folder, place, os.environ | {"BESTGUESS_URL": str(client.base_url)})
        finally:
            place.end()
