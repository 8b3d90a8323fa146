from __future__ import annotations

import asyncio
import errno
import os
import re
import socket
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from app.settings import Settings
from bestguess import checks
from bestguess.checks import Verdict
from bestguess.supervisor import preflight
from bestguess.supervisor.preflight import PreflightError
from support.ports import free_port
from support.weights_files import SMALL, write_official
from vision.networks.vgg import VGG19_WEIGHTS

if TYPE_CHECKING:
    from collections.abc import Sequence


def is_one_line(error: pytest.ExceptionInfo[PreflightError]) -> bool:
    """Whether the message is one line that names a setting."""
    return "\n" not in str(error.value) and "BESTGUESS_" in str(error.value) and error.value.exit_code == 2


def check_weights(weights: str, networks: Sequence[str] = ("vgg16",)) -> None:
    """Check weights as `bestguess up` does."""
    for result in checks.check_named_weights(weights, networks):
        preflight.require(result)


def test_settings_that_can_be_used_pass(tmp_path: Path) -> None:
    """A free port, random weights and a Redis that may be away are fine."""
    settings = Settings(port=free_port(), weights="random", redis_url="redis://user:pa%2Fss@nowhere.invalid:6379/0")
    asyncio.run(preflight.check(settings))
    with preflight.claimed(tmp_path / "new" / "folder"):
        assert (tmp_path / "new" / "folder").is_dir()


def test_wrong_settings_are_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """Variables that cannot be used are named in one line, each once, also where only one half reads them."""
    wrong = {"BESTGUESS_PORT": "eighty", "BESTGUESS_PRECISION": "float7", "BESTGUESS_MAX_MODELS": "none"}
    for name, value in wrong.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(PreflightError) as error:
        preflight.checked_settings()
    assert [str(error.value).count(f"{name}={value!r}: ") for name, value in wrong.items()] == [1, 1, 1]
    assert is_one_line(error)


def test_the_settings_are_the_environments(monkeypatch: pytest.MonkeyPatch) -> None:
    """Variables that can be used are read."""
    monkeypatch.setenv("BESTGUESS_PORT", "8123")
    assert preflight.checked_settings().port == 8123


def test_a_port_with_a_listener_is_taken() -> None:
    """A port that another program listens on is refused, and BESTGUESS_PORT is named."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with pytest.raises(PreflightError, match=f"^BESTGUESS_PORT={port}: another program listens") as error:
            preflight.require(asyncio.run(checks.check_address("127.0.0.1", port)))
    assert is_one_line(error)


def test_a_port_whose_last_connection_has_just_ended_is_free() -> None:
    """A port in TIME_WAIT, as a restart of the service leaves it, can be used at once."""
    port = free_port()
    with socket.create_server(("127.0.0.1", port)) as server, socket.create_connection(("127.0.0.1", port)) as client:
        accepted, _ = server.accept()
        accepted.close()
        assert client.recv(1) == b""
    assert asyncio.run(checks.check_address("127.0.0.1", port)).verdict is Verdict.OK


@pytest.mark.parametrize("host", ["203.0.113.77", "a" * 64 + ".invalid", "not an address"])
def test_a_host_that_is_not_this_machine_is_refused(host: str) -> None:
    """An address of another machine, or none at all, is refused, and BESTGUESS_HOST is named."""
    with pytest.raises(PreflightError, match=r"^BESTGUESS_HOST=.+ no address of this machine") as error:
        preflight.require(asyncio.run(checks.check_address(host, 8000)))
    assert is_one_line(error)


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (errno.EACCES, "^BESTGUESS_PORT=80: .+ above 1023$"),
        (errno.EINVAL, "^BESTGUESS_HOST=.+ BESTGUESS_PORT=80: .+no"),
    ],
)
def test_other_reasons_not_to_listen_are_one_line(code: int, words: str) -> None:
    """A port for the administrator only has a line of its own; whatever else the system says is repeated."""
    assert re.search(words, checks._address_problem("::1", 80, OSError(code, "no")))


@pytest.mark.parametrize("weights", ["imagenet", "random"])
def test_named_weights_pass(weights: str) -> None:
    """`imagenet` and `random` are weights."""
    assert list(checks.check_named_weights(weights)) == []


def test_a_folder_has_a_file_for_each_network(tmp_path: Path) -> None:
    """In a folder each network that is loaded at the start needs a file that fits; the first that does not is named."""
    weights = str(tmp_path)
    with pytest.raises(PreflightError, match=f"{VGG19_WEIGHTS.name}: not there") as error:
        check_weights(weights, ["vgg19"])
    assert is_one_line(error)
    write_official(tmp_path / VGG19_WEIGHTS.name, SMALL)
    with pytest.raises(PreflightError, match="4 layers with weights where 19 are expected"):
        check_weights(weights, ["vgg19"])
    check_weights(weights, ["efficientnet-lite0"])


def test_a_pipe_is_refused(tmp_path: Path) -> None:
    """What is no regular file is refused, and not waited for."""
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(PreflightError, match=r"^BESTGUESS_WEIGHTS=.+a file or a folder is expected"):
        check_weights(str(tmp_path / "pipe"))


@pytest.mark.parametrize(
    "weights", ["imagnet", "/no/such/file.h5", str(Path(__file__).parent), __file__, "~/no.h5", "zero\0byte"]
)
def test_weights_that_are_no_file_are_refused(weights: str) -> None:
    """A misspelt name, a file that is not there, a folder and a file of something else are no weights."""
    with pytest.raises(PreflightError, match=r"^BESTGUESS_WEIGHTS=") as error:
        check_weights(weights)
    assert is_one_line(error)


@pytest.mark.parametrize(
    "url", ["redis://:p%2F@h:1/0", "rediss://h?ssl_cert_reqs=none", "unix:///run/redis.sock", "redis://[::1]:6379"]
)
def test_redis_urls_pass(url: str) -> None:
    """redis://, rediss:// and unix:// are fine, and nothing is connected to."""
    assert checks.check_redis_url(url).verdict is Verdict.OK


@pytest.mark.parametrize(
    "url",
    [
        "localhost:6379",
        "http://:secret@h",
        "redis://:secret/1@h",
        "redis://h:99999",
        "redis://h?secret=1",
        "redis://h/secret",
        " ",
    ],
)
def test_malformed_redis_urls_are_refused_without_being_repeated(url: str) -> None:
    """A URL that redis-py or Celery cannot read is refused, and a password in it is not shown."""
    with pytest.raises(PreflightError, match=r"^BESTGUESS_REDIS_URL ") as error:
        preflight.require(checks.check_redis_url(url))
    assert is_one_line(error)
    assert "secret" not in str(error.value)


def test_a_data_folder_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    """A file where the data folder should be, or above it, is one line."""
    (tmp_path / "file").touch()
    for folder in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(PreflightError, match=r"^BESTGUESS_DATA_DIR=") as error, preflight.claimed(folder):
            pytest.fail("claimed")
        assert is_one_line(error)


@pytest.mark.skipif(sys.platform != "linux", reason="needs a folder in which not even root can write")
def test_a_data_folder_that_cannot_be_written_is_refused() -> None:
    """A folder that is there but takes no file is one line; a real write is tried, permissions are not asked."""
    with pytest.raises(PreflightError, match=r"^BESTGUESS_DATA_DIR='/proc'") as error, preflight.claimed(Path("/proc")):
        pytest.fail("claimed")
    assert is_one_line(error)


def test_a_data_folder_is_claimed_once(tmp_path: Path) -> None:
    """A folder that is in use is refused, and is free again afterwards."""
    with (
        preflight.claimed(tmp_path),
        pytest.raises(PreflightError, match=r"another `bestguess up`") as error,
        preflight.claimed(tmp_path),
    ):
        pytest.fail("claimed twice")
    assert is_one_line(error)
    with preflight.claimed(tmp_path):
        assert (tmp_path / "up.lock").exists()
