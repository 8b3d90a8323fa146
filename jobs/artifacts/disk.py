"""Folders on this machine's disk: made beside, made to last, removed so that a reader sees them whole or not at all."""

from __future__ import annotations

import fcntl
import logging
import os
import re
import secrets
import shutil
import stat
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

log = logging.getLogger(__name__)

ABANDONED_SECONDS = 3600.0  # writing a model takes seconds
_OURS = re.compile(r"[A-Za-z0-9_-]{1,100}(\.checkpoint)?\.[a-z0-9_]{8}\.tmp")  # as `_unused` makes them up


@contextmanager
def beside(root: Path, name: str) -> Iterator[Path]:
    """Make `<root>/<name>.<random>.tmp/` for a block; it is gone at the end, unless the block gave it another name."""
    folder = _unused(root / name)
    folder.mkdir(parents=True)
    try:
        with _held(folder):
            yield folder
    finally:  # also for what stops a worker
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def beside_if_possible(root: Path, name: str) -> Iterator[Path]:
    """Do as `beside` does; where the disk refuses, say so in the log, and name a folder that is not there."""
    folder = _unused(root / name)
    try:
        folder.mkdir(parents=True)
    except OSError as error:
        log.warning("%s cannot be made, and the work goes on without it: %s", folder, error.strerror or error)
    try:
        with _held(folder):
            yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def remove(path: Path) -> None:
    """Remove a folder; nothing if there is none.

    Raises:
        OSError: the disk refused.
    """
    try:
        aside = move_aside(path)
    except OSError:  # a full disk may refuse a name; a reader who sees a part of it is the smaller harm
        aside = path
    if aside is not None:
        shutil.rmtree(aside)


def move_aside(path: Path) -> Path | None:
    """Give a folder a name by which nobody looks for it, but a sweep finds it, and return that; None if there is none.

    Raises:
        OSError: the disk refused.
    """
    aside = _unused(path)
    try:
        path.rename(aside)
    except FileNotFoundError:
        return None
    return aside


def sweep(root: Path, older_than: float) -> list[str]:
    """Remove what was half written at least so many seconds ago by a process that was killed, and name it.

    What has another name than ours, or is no folder, is somebody else's; what is held is worked with. What cannot be
    removed is told of in the log.

    Raises:
        OSError: the folder cannot be read.
    """
    swept = []
    for path in root.glob("*.tmp"):
        try:
            if _OURS.fullmatch(path.name) and _is_old_folder(path, older_than) and not _is_held(path):
                shutil.rmtree(path)
                swept.append(path.name)
        except FileNotFoundError:  # its writer, or another sweeper, was faster
            continue
        except OSError as error:
            log.warning("%s was left half written, and cannot be removed: %s", path, error.strerror or error)
    return swept


def _unused(path: Path) -> Path:
    """Make up a name beside a folder's, by which a sweep knows it."""
    return path.with_name(f"{path.name}.{secrets.token_hex(4)}.tmp")


def _is_old_folder(path: Path, older_than: float) -> bool:
    about = path.lstat()
    return stat.S_ISDIR(about.st_mode) and time.time() - about.st_mtime >= older_than


@contextmanager
def _held(folder: Path) -> Iterator[None]:
    """Hold a folder for a block, so that no sweep takes it however old it is; who is killed lets it go."""
    descriptor = None
    with suppress(OSError):  # it is not there, or its file system has no locks for folders: then its age alone counts
        descriptor = os.open(folder, os.O_RDONLY)
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    try:
        yield
    finally:
        if descriptor is not None:
            os.close(descriptor)


def _is_held(folder: Path) -> bool:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError as error:
        log.debug("%s cannot be locked: %s", folder, error)
    finally:
        os.close(descriptor)
    return False


def sync_all(top: Path) -> None:
    """Let a folder and all in it survive a loss of power.

    Raises:
        OSError: the disk refused.
    """
    for path in (*top.rglob("*"), top):
        sync(path)


def sync(path: Path) -> None:
    """Let a file, or the names in a folder, survive a loss of power.

    Raises:
        OSError: the disk refused.
    """
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
