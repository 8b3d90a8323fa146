"""How a job does what it needs the store of artifacts or Redis for, also where that is away for a while."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, TypeVar

from jobs.artifacts import ArtifactsUnavailable
from jobs.errors import StoreUnavailable
from worker.errors import Stopped, TrainingError

if TYPE_CHECKING:
    from collections.abc import Callable

    from jobs.artifacts import Artifact, ArtifactStore

log = logging.getLogger(__name__)

Answer = TypeVar("Answer")
KEEP_SECONDS = 600.0  # how long a store is waited for, as long as a result waits for Redis
PAUSE_SECONDS = 5.0
LOOK_SECONDS = 0.2  # a cancel has to be seen within two seconds


class ModelNotKept(TrainingError):
    """The network is trained, and the store does not take it; the message says what to do."""

    code = "artifacts-unavailable"


def insist(
    do: Callable[[], Answer], should_stop: Callable[[], bool], waiting: str, pause: float = PAUSE_SECONDS
) -> Answer:
    """Do what needs a store, again and again for ten minutes where it may come back.

    `waiting` begins the words for the log, and `pause` is in seconds.

    Raises:
        ArtifactsUnavailable: the store refused, or stayed away.
        StoreUnavailable: Redis stayed away.
        Stopped: `should_stop` said so. Whatever else `do` raises.
    """
    until = time.monotonic() + KEEP_SECONDS
    while True:
        try:
            return do()
        except ArtifactsUnavailable as error:
            if not error.passing or time.monotonic() > until:
                raise
            log.warning("%s: %s", waiting, error)
        except StoreUnavailable as error:
            if time.monotonic() > until:
                raise
            log.warning("%s: %s", waiting, error)
        _rest(pause, should_stop)


def keep(publish: Callable[[], Artifact], should_stop: Callable[[], bool], pause: float = PAUSE_SECONDS) -> Artifact:
    """Publish, as `insist` does: the training took longer than a try.

    Raises:
        ModelNotKept: the store refused, or stayed away.
        Stopped: `should_stop` said so.
        LeaseLost: a later owner of the job has published already.
    """
    try:
        return insist(publish, should_stop, "The network waits to be published", pause)
    except ArtifactsUnavailable as error:
        raise ModelNotKept(str(error)) from error


def forget_checkpoint(store: ArtifactStore, job_id: str) -> None:
    """Remove the checkpoints of a job that has succeeded; what cannot be removed now goes with its record."""
    try:
        store.remove_checkpoint(job_id)
    except ArtifactsUnavailable as error:
        log.warning("The checkpoint of job %s stays: %s", job_id, error)


def _rest(seconds: float, should_stop: Callable[[], bool]) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if should_stop():
            raise Stopped
        time.sleep(LOOK_SECONDS)
