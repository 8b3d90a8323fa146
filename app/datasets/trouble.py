"""What a disk or a store refuses is our fault, and told as such."""

from __future__ import annotations

import errno
import logging
from contextlib import contextmanager
from typing import TYPE_CHECKING

from app.errors import StorageUnavailable
from jobs.artifacts import ArtifactDamaged, ArtifactsUnavailable

if TYPE_CHECKING:
    from collections.abc import Iterator

log = logging.getLogger(__name__)

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


@contextmanager
def told() -> Iterator[None]:
    """Raise StorageUnavailable for what the disk or the store of artifacts refuses, and log why."""
    try:
        yield
    except TimeoutError:  # an OSError by birth, and about us
        raise
    except ArtifactDamaged as error:
        log.error("a data set: %s", error)  # noqa: TRY400 - where it was raised says nothing
        raise StorageUnavailable("The files of this data set are damaged. Delete it, and send it again.") from error
    except (ArtifactsUnavailable, OSError) as error:
        log.error("a data set: %s", error)  # noqa: TRY400
        raise StorageUnavailable(_words(error)) from error


def _words(error: Exception) -> str:
    cause = error if isinstance(error, OSError) else error.__cause__
    if isinstance(cause, OSError) and cause.errno in FULL:
        return "There is no room for it here. Whoever runs this service has to make some; then send it again."
    return "The place where data sets are kept cannot be used now. Try again later."
