"""Checks of the settings and of what they name, shared by `bestguess up` and `bestguess doctor`.

`bestguess up` exits with what the first failed check found; the doctor prints the results of all of them.
"""

from __future__ import annotations

import asyncio
import errno
import socket
import tempfile
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from redis import ConnectionPool, RedisError

from app.access.auth import keys_problem
from app.settings import Settings, SettingsError
from jobs.queue import broker_url
from jobs.settings import WorkerSettings
from vision.networks.registry import NETWORKS
from vision.networks.weights import WORDS, WeightsError, expanded, identify

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from vision.networks.weights import FoundWeights, WeightsFile


class Verdict(StrEnum):
    """Outcome of a check; a `warning` works, but not well or not for long."""

    OK = "ok"
    WARNING = "warning"
    WRONG = "wrong"


@dataclass(frozen=True, slots=True)
class CheckResult:
    """What was found about one thing, and what to do."""

    about: str
    verdict: Verdict
    found: str
    action: str = ""


def ok(about: str, found: str) -> CheckResult:
    """Return the result of a check that passed."""
    return CheckResult(about, Verdict.OK, found)


def warning(about: str, found: str, action: str) -> CheckResult:
    """Return the result for something that works but should be changed."""
    return CheckResult(about, Verdict.WARNING, found, action)


def wrong(about: str, found: str, action: str) -> CheckResult:
    """Return the result for something that has to be changed."""
    return CheckResult(about, Verdict.WRONG, found, action)


def check_settings() -> list[CheckResult]:
    """Read the settings of the API and of a worker; return a result for each variable that cannot be used."""
    lines: dict[str, None] = {}  # without duplicates: both read some of the variables
    for kind in (Settings, WorkerSettings):
        try:
            kind.load()
        except SettingsError as error:
            lines |= dict.fromkeys(str(error).splitlines())
    return [wrong("settings", line, "Correct the variable; README.md lists all of them.") for line in lines]


def check_named_weights(setting: str, networks: Sequence[str] = ("vgg16",)) -> Iterator[CheckResult]:
    """Check the weights that BESTGUESS_WEIGHTS names: a file in VGG16's layout, or a folder with one for each network.

    With `imagenet` and `random` there is nothing to check. Hashing a file takes a second.
    """
    if setting in WORDS:
        return
    path = expanded(setting)
    try:
        folder = path.is_dir()
        neither = path.exists() and not folder and not path.is_file()
    except OSError as error:
        yield _wrong_weights("weights", setting, reason(error))
        return
    if neither:  # a pipe, for example, which would have to be waited for
        yield _wrong_weights("weights", setting, "a file or a folder is expected, and this is neither")
        return
    for file in weights_files(networks if folder else ("vgg16",)):
        about = weights_label(file, networks)
        try:
            found = identify(path / file.name if folder else path, file)
        except (WeightsError, OSError, ValueError) as error:  # ValueError: a zero byte in the path
            yield _wrong_weights(about, setting, reason(error))
        else:
            yield ok(about, describe_weights(found))


def weights_files(networks: Sequence[str]) -> list[WeightsFile]:
    """Return the weights files of these networks; some networks have none."""
    return [file for name in networks if (file := NETWORKS[name].weights)]


def weights_label(file: WeightsFile, networks: Sequence[str]) -> str:
    """Return what a result about a weights file is about; the network's id is in it where there are several files."""
    return "weights" if len(weights_files(networks)) <= 1 else f"weights of {file.network}"


def describe_weights(found: FoundWeights) -> str:
    """Return the path of weights that can be used, and whether they are the official ones."""
    return f"{found.path}: {'the official file' if found.verified else 'a file of your own'}"


def check_redis_url(url: str) -> CheckResult:
    """Check that redis-py and Celery can read the URL, without connecting.

    The result does not repeat the URL, which may contain a password.
    """
    try:
        ConnectionPool.from_url(url).make_connection()  # which connects only when it is used
        broker_url(url)
    except (ValueError, TypeError, RedisError):  # TypeError: an option that redis-py does not know
        found = (
            "BESTGUESS_REDIS_URL is none of redis://[user:password@]host:port/0, rediss://... and unix:///path "
            "(in a password, write special characters as %XX)"
        )
        return wrong("Redis", found, "Correct BESTGUESS_REDIS_URL.")
    return ok("Redis", "BESTGUESS_REDIS_URL can be read")


def check_keys(settings: Settings) -> Iterator[CheckResult]:
    """Check that the key file can be read, and that other machines need a key."""
    if problem := keys_problem(settings):
        yield wrong("keys", problem, "Make a key, correct the key file, or set BESTGUESS_ALLOW_ANONYMOUS=1.")


async def check_address(host: str, port: int) -> CheckResult:
    """Bind the address as uvicorn does, with asyncio's create_server (so with SO_REUSEADDR), and release it."""
    try:
        server = await asyncio.get_running_loop().create_server(asyncio.Protocol, host, port, start_serving=False)
    except (OSError, UnicodeError) as error:
        problem = _address_problem(host, port, error)
        return wrong("port", problem, "Choose another with BESTGUESS_PORT, or stop the other program.")
    server.close()
    await server.wait_closed()
    return ok("port", f"{host} port {port} is free")


def check_data_folder(data_dir: Path) -> CheckResult:
    """Write a temporary file to the data folder or, where it does not exist yet, to the nearest folder above it."""
    try:
        there = nearest_folder(data_dir.absolute())
        write_temporary_file(there)
    except (OSError, ValueError) as error:
        return wrong_data_folder(data_dir, error)
    folder = data_dir.absolute()
    return ok("data folder", f"{folder} can be written" if there == folder else f"{folder} will be made")


def wrong_data_folder(data_dir: Path, error: Exception) -> CheckResult:
    """Return the result for a data folder that cannot be made or written."""
    found = f"BESTGUESS_DATA_DIR={str(data_dir)!r}: no folder to write in ({reason(error)})"
    return wrong("data folder", found, "Let this user write there, or set BESTGUESS_DATA_DIR.")


def nearest_folder(folder: Path) -> Path:
    """Return the folder, or the nearest one above it that exists."""
    return next(path for path in (folder, *folder.parents) if path.exists())


def write_temporary_file(folder: Path) -> None:
    """Write a file that is deleted at once: permissions do not tell of a full or a read-only disk.

    Raises:
        OSError: the folder cannot be written.
    """
    with tempfile.TemporaryFile(dir=folder) as file:
        file.write(b"x")
        file.flush()  # a full disk shows here


def reason(error: Exception) -> str:
    """Return the system's message without its number and path, or the error's own."""
    return (error.strerror if isinstance(error, OSError) else None) or str(error)


def _wrong_weights(about: str, setting: str, problem: str) -> CheckResult:
    found = f"BESTGUESS_WEIGHTS={setting!r}: {' '.join(problem.split())}"
    return wrong(about, found, "Name another file, or unset BESTGUESS_WEIGHTS.")


def _address_problem(host: str, port: int, error: Exception) -> str:
    code = error.errno if isinstance(error, OSError) else None
    if code == errno.EADDRINUSE:
        return f"BESTGUESS_PORT={port}: another program listens on {host} port {port}; stop it or choose another port"
    if code == errno.EACCES:
        return f"BESTGUESS_PORT={port}: this user may not listen on port {port}; choose one above 1023"
    # From Python 3.13 on asyncio says that no address could be bound, without the system's number.
    if code in {errno.EADDRNOTAVAIL, None} or isinstance(error, (socket.gaierror, UnicodeError)):
        return (
            f"BESTGUESS_HOST={host!r}: no address of this machine; 127.0.0.1 is for this machine only, 0.0.0.0 for all"
        )
    return f"BESTGUESS_HOST={host!r} BESTGUESS_PORT={port}: cannot listen there ({reason(error)})"
