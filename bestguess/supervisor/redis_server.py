"""A private Redis: its data in the data folder, a port on loopback and a password that nobody has to know."""

from __future__ import annotations

import glob
import os
import secrets
import socket
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bestguess.supervisor.preflight import PreflightError
from bestguess.supervisor.redis_program import Program, choose, executables, remember, writer_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

LOOPBACK = "127.0.0.1"
# Below the ports that Linux (from 32768) and macOS (from 49152) give to outgoing connections: none of those, not even
# a client of ours that calls Redis in vain, can take the port while Redis is started again.
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
class RedisServer:
    """How to start the server, again and again on the same port; the files written for it; and its URL for clients."""

    program: Program
    folder: Path
    arguments: tuple[str, ...]
    environment: Mapping[str, str] = field(repr=False)
    files: tuple[Path, ...]
    url: str = field(repr=False)

    def remember(self) -> None:
        """Note in the data folder which program writes it; to be called once the server answers."""
        remember(self.folder, self.program.kind)

    def failure(self, how: str) -> str:
        """One line for a server that did not come up: `how` is a clause without a subject."""
        line = f"Redis ({self.program.path}) {how}; see its own lines above"
        writer = writer_of(self.folder)
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
    program = choose(folder, executables())
    return RedisServer(
        program=program,
        folder=folder,
        arguments=(str(program.path), glob.escape(str(config))),  # Redis 7 takes the path for a pattern
        environment=os.environ.copy(),
        files=(config,),
        url=f"redis://:{password}@{LOOPBACK}:{port}/0",
    )


def config_text(folder: Path, port: int, password: str) -> str:
    """Everything that Redis is told; the password must be of letters, digits, `-` and `_`."""
    return CONFIG.format(host=LOOPBACK, port=port, password=password, folder=quote(folder))


def quote(path: Path) -> str:
    r"""A path as redis.conf wants it: in double quotes, whatever is not plain as \xHH (`sdssplitargs` in sds.c)."""
    plain = (chr(byte) if 32 <= byte < 127 and byte not in b'"\\' else f"\\x{byte:02x}" for byte in os.fsencode(path))  # noqa: PLR2004 - printable ASCII
    return '"' + "".join(plain) + '"'


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner can read, and that is whole or not there.

    Raises:
        OSError: it cannot be written.
    """
    beside = path.with_name(path.name + ".new")
    beside.unlink(missing_ok=True)
    with open(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as file:  # noqa: PTH123 - pathlib takes no descriptor
        file.write(text)
    beside.replace(path)


def free_port(ports: Sequence[int] = PORTS) -> int:
    """One of these ports, on loopback, that nobody listens on.

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
