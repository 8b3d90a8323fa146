"""Why a training ends without a network: each with a stable code for programs, and a message for people."""

from __future__ import annotations

import errno
from typing import ClassVar

# From here on float32 does not tell a loss from one that is 1 larger. Far beyond, rectifiers swallow what is no number,
# and a network that is lost can go on with losses that are finite.
LARGEST_LOSS = 2.0**24


class TrainingError(Exception):
    """A training cannot go on; trying again without a change would end the same way."""

    code: ClassVar[str] = "training-failed"


class DatasetUnavailable(TrainingError):
    """The images to learn from cannot be had, or are not what they should be; the message says what to do."""

    code = "dataset-unavailable"


class DeviceUnavailable(TrainingError):
    """The device that the operator wants is not there."""

    code = "device-unavailable"


class Diverged(TrainingError):
    """The weights have grown without bound; `what` says how that shows, as a sentence's beginning."""

    code = "diverged"

    def __init__(self, what: str, step: int, learning_rate: float) -> None:
        super().__init__(f"{what} at step {step} with the learning rate {learning_rate:g}. Choose a smaller one.")
        self.step = step
        self.learning_rate = learning_rate


class DiskFull(TrainingError):
    """The worker's disk takes no more."""

    code = "disk-full"


class DiskUnavailable(TrainingError):
    """The worker's disk refuses, for another reason than room; the message says which, and what to do."""

    code = "disk-unavailable"


_FULL = "Free some space; BESTGUESS_FEATURES_BYTES bounds what fine-tunings keep there."
_DENIED = "See that the worker's user may read and write there."
_MISSING = "Something has removed it, or its disk is not mounted."
_TOO_MANY = "Raise the worker's limit (`ulimit -n`)."
_ADVICE = {
    errno.ENOSPC: _FULL,
    errno.EDQUOT: _FULL,
    errno.EACCES: _DENIED,
    errno.EPERM: _DENIED,
    errno.EROFS: _DENIED,
    errno.ENOENT: _MISSING,
    errno.ENOTDIR: _MISSING,
    errno.EMFILE: _TOO_MANY,
    errno.ENFILE: _TOO_MANY,
    errno.EIO: "The disk may be failing: look into the log of the worker's machine.",
}


def disk_error(error: OSError) -> DiskFull | DiskUnavailable | None:
    """Return what an error of the operating system says of the worker's disk; None where it is not about files."""
    advice = _ADVICE.get(error.errno or 0)
    if advice is None and error.filename is None:
        return None
    where = f": {error.filename}" if error.filename is not None else ""
    message = " ".join(filter(None, (f"The worker's disk cannot be used: {error.strerror or error}{where}.", advice)))
    return DiskFull(message) if advice is _FULL else DiskUnavailable(message)


class Stopped(Exception):
    """Whoever asked for the training asked for its end; nothing is wrong."""
