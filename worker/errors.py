"""Why a training ends without a network: each with a stable code for programs, and a message for people."""

from __future__ import annotations

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


class Stopped(Exception):
    """Whoever asked for the training asked for its end; nothing is wrong."""
