"""Start-up checks of `bestguess up`: a mistake is one line, and nothing is started."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout

from app.settings import Settings
from bestguess.checks import (
    CheckResult,
    Verdict,
    check_address,
    check_data_folder,
    check_keys,
    check_named_weights,
    check_redis_url,
    check_settings,
    wrong_data_folder,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class PreflightError(Exception):
    """Nothing was started. The message is one line that names what to change; the exit code belongs to it."""

    exit_code = 2


def checked_settings() -> Settings:
    """Read the settings from the environment, after checking those of the worker as well.

    Raises:
        PreflightError: variables have values that cannot be used; each is named.
    """
    if failed := check_settings():
        raise PreflightError("; ".join(result.found for result in failed))
    return Settings.load()


async def check(settings: Settings) -> None:
    """Check the weights, Redis's URL, the keys and the address to listen on.

    Raises:
        PreflightError: one of them cannot be used.
    """
    for result in check_named_weights(settings.weights, settings.listed):
        require(result)
    if settings.redis_url is not None:
        require(check_redis_url(settings.redis_url))
    for result in check_keys(settings):
        require(result)
    require(await check_address(settings.host, settings.port))


def require(result: CheckResult) -> None:
    """Raise PreflightError if a check has failed."""
    if result.verdict is Verdict.WRONG:
        raise PreflightError(result.found)


@contextmanager
def claimed(data_dir: Path) -> Iterator[None]:
    """Make the data folder, and keep every other `bestguess up` out of it.

    The lock is flock's, on `up.lock`: it ends with this process, however that ends.

    Raises:
        PreflightError: the folder cannot be made or written, or another `bestguess up` uses it.
    """
    require(check_data_folder(data_dir))
    try:
        data_dir.mkdir(parents=True, exist_ok=True)
        lock = FileLock(data_dir / "up.lock", blocking=False, fallback_to_soft=False).acquire()
    except Timeout:
        raise PreflightError(
            f"BESTGUESS_DATA_DIR={str(data_dir)!r}: another `bestguess up` uses this folder; stop it or name another"
        ) from None
    except (OSError, ValueError) as error:
        raise PreflightError(wrong_data_folder(data_dir, error).found) from None
    with lock:
        yield
