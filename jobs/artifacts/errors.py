"""What can be wrong with a store of artifacts, whichever library is behind it, and what to do about it."""

from __future__ import annotations

import errno
import logging
import re
from contextlib import contextmanager
from typing import TYPE_CHECKING

from jobs.errors import JobsError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

DENIED = "Check the keys (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY or a profile) and what they may do there."
MISSING = "Make the bucket, or correct BESTGUESS_ARTIFACTS_URL."
UNUSABLE = "Correct BESTGUESS_ARTIFACTS_URL: it has to name a place that files can be written to."
AWAY = "Is it up, and has it room? BESTGUESS_ARTIFACTS_URL and AWS_ENDPOINT_URL say where it is."
DISK = "Make room there, or see that this user may write."
ABSENT = "Is it mounted? BESTGUESS_ARTIFACTS_URL or BESTGUESS_DATA_DIR says where it is."
# What a shared folder says while its server is away or it is not mounted, and what this machine says while too many
# files are open.
_PASSING = (errno.ENOENT, errno.EIO, errno.ESTALE, errno.ETIMEDOUT, errno.EMFILE, errno.ENFILE)


class ArtifactError(JobsError):
    """The base of the errors of artifacts. Their messages name files and addresses, and are for the log only."""

    slug, title, category = "model-unusable", "This model cannot be used", "unavailable"
    retry_after = 30
    log_level = logging.ERROR


class ArtifactDamaged(ArtifactError):
    """A published file is not there, or not what its job recorded."""

    answer = "This network's files are damaged. Delete it, and train another."


class ArtifactsUnavailable(ArtifactError):
    """The store cannot be reached, refuses, or is full; the message says what to do.

    `passing` is whether the same call may succeed later without anybody's doing.
    """

    answer = "The files of trained networks cannot be reached. Try again later."

    def __init__(self, message: str, *, passing: bool) -> None:
        super().__init__(message)
        self.passing = passing


def unavailable(url: str, error: Exception) -> ArtifactsUnavailable:
    """Say in our words what a library says of the store at `url`."""
    advice, passing = _advice(error)
    silent = "there was no answer in time" if isinstance(error, TimeoutError) else type(error).__name__
    reason = str(error).strip().rstrip(".") or silent
    return ArtifactsUnavailable(
        f"The models at {without_password(url)} cannot be used: {reason}. {advice}", passing=passing
    )


@contextmanager
def on_disk(folder: Path) -> Iterator[None]:
    """Turn what the disk of this machine refuses into ArtifactsUnavailable."""
    try:
        yield
    except OSError as error:
        advice = ABSENT if isinstance(error, FileNotFoundError) else DISK
        message = f"The models in {folder} cannot be used: {error.strerror or error}. {advice}"
        raise ArtifactsUnavailable(message, passing=error.errno in _PASSING) from error


def without_password(url: str) -> str:
    """Return a URL for logs and messages."""
    return re.sub(r"//[^/?#]*@", "//", url)


def _advice(error: Exception) -> tuple[str, bool]:
    """Judge by kind, and by name where importing a library's errors would import the library."""
    kind = type(error).__name__
    if isinstance(error, PermissionError) or "Credentials" in kind or "Profile" in kind:
        return DENIED, False
    if isinstance(error, FileNotFoundError):
        return MISSING, False
    if isinstance(error, (NotImplementedError, ValueError, TypeError, ImportError)) or "Validation" in kind:
        return UNUSABLE, False
    return AWAY, True
