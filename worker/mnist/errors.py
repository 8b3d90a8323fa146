"""Why a training ends without a network: each with a stable code for programs, and a message for people."""

from __future__ import annotations

from typing import ClassVar


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
    """The loss is no number any more, or so large that it says nothing: the weights have grown without bound."""

    code = "diverged"

    def __init__(self, step: int, loss: float, learning_rate: float) -> None:
        super().__init__(
            f"The loss became {loss:.4g} at step {step} with the learning rate {learning_rate:g}. Choose a smaller one."
        )
        self.step = step
        self.learning_rate = learning_rate


class Stopped(Exception):
    """Whoever asked for the training asked for its end; nothing is wrong."""
