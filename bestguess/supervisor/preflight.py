"""What is checked before anything starts, so that a mistake is one line and not a service that half works."""

from __future__ import annotations

import asyncio
import errno
import socket
import tempfile
from contextlib import contextmanager
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout
from redis import ConnectionPool, RedisError

from app.access.auth import keys_problem
from app.settings import Settings, SettingsError, load_settings
from jobs.settings import WorkerSettings
from vision.networks.registry import NETWORKS
from vision.networks.weights import WORDS, WeightsError, expanded, identify, named

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path


class PreflightError(Exception):
    """Nothing was started. The message is one line that names what to change; the exit code belongs to it."""

    exit_code = 2


def checked_settings() -> Settings:
    """Read the settings from the environment, the worker's as well.

    Raises:
        PreflightError: variables have values that cannot be used; each is named.
    """
    wrong: list[str] = []
    for load in (load_settings, WorkerSettings.load):
        try:
            load()
        except SettingsError as error:
            wrong += str(error).splitlines()
    if wrong:
        raise PreflightError("; ".join(dict.fromkeys(wrong)))  # both halves read some of them
    return load_settings()


async def check(settings: Settings) -> None:
    """Check the weights, Redis's URL, the keys and the address to listen on.

    Raises:
        PreflightError: one of them cannot be used.
    """
    check_weights(settings.weights, settings.listed)
    if settings.redis_url is not None:
        check_redis_url(settings.redis_url)
    if problem := keys_problem(settings):
        raise PreflightError(problem)
    await check_address(settings.host, settings.port)


def check_weights(weights: str, networks: Sequence[str] = ("vgg16",)) -> None:
    """Weights are `imagenet`, `random`, a file in VGG16's layout, or a folder with one for each of the networks.

    Hashing one takes a second.

    Raises:
        PreflightError: they are none of these.
    """
    if weights in WORDS:
        return
    try:
        path = expanded(weights)
        if path.exists() and not path.is_file() and not path.is_dir():
            raise PreflightError(f"BESTGUESS_WEIGHTS={weights!r}: a file or a folder is expected, and this is neither")
        for name in networks if path.is_dir() else ("vgg16",):
            file = NETWORKS[name].weights
            if file and (own := named(file, weights)):
                identify(own, file)
    except WeightsError as error:
        raise PreflightError(f"BESTGUESS_WEIGHTS={weights!r}: {' '.join(str(error).split())}") from None
    except (OSError, ValueError) as error:  # ValueError: a zero byte in the path
        raise PreflightError(f"BESTGUESS_WEIGHTS={weights!r}: {_why(error)}") from None


def check_redis_url(url: str) -> None:
    """The URL must be one that redis-py reads; whether a Redis answers there is not asked.

    Raises:
        PreflightError: it is not. The message does not repeat it, for it may hold a password.
    """
    try:
        ConnectionPool.from_url(url).make_connection()  # which connects only when it is used
    except (ValueError, TypeError, RedisError):  # TypeError: an option that it does not know
        raise PreflightError(
            "BESTGUESS_REDIS_URL is none of redis://[user:password@]host:port/0, rediss://... and unix:///path "
            "(in a password, write special characters as %XX)"
        ) from None


async def check_address(host: str, port: int) -> None:
    """Bind the address as uvicorn does, by asyncio's create_server (so with SO_REUSEADDR), and give it back.

    Raises:
        PreflightError: that is impossible.
    """
    try:
        server = await asyncio.get_running_loop().create_server(asyncio.Protocol, host, port, start_serving=False)
    except (OSError, UnicodeError) as error:
        raise PreflightError(_address_problem(host, port, error)) from None
    server.close()
    await server.wait_closed()


@contextmanager
def claimed(data_dir: Path) -> Iterator[None]:
    """Make the data folder, try to write there, and keep every other `bestguess up` out of it.

    The lock is flock's, on `up.lock`: it ends with this process, however that ends.

    Raises:
        PreflightError: the folder cannot be made or written, or another `bestguess up` uses it.
    """
    try:
        data_dir.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=data_dir) as file:
            file.write(b"x")
            file.flush()  # a full disk shows here
        lock = FileLock(data_dir / "up.lock", blocking=False, fallback_to_soft=False).acquire()
    except Timeout:
        raise PreflightError(
            f"BESTGUESS_DATA_DIR={str(data_dir)!r}: another `bestguess up` uses this folder; stop it or name another"
        ) from None
    except (OSError, ValueError) as error:
        raise PreflightError(f"BESTGUESS_DATA_DIR={str(data_dir)!r}: no folder to write in ({_why(error)})") from None
    with lock:
        yield


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
    return f"BESTGUESS_HOST={host!r} BESTGUESS_PORT={port}: cannot listen there ({_why(error)})"


def _why(error: Exception) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or str(error)
