"""Calls of a job that may have to wait: for Redis, for the store of artifacts, for a download."""

from __future__ import annotations

import logging
import threading
import time
from concurrent.futures import wait
from typing import TYPE_CHECKING, TypeVar

from jobs.artifacts import ArtifactsUnavailable
from jobs.deadline import aside
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


class StoppedWaiting(Stopped):
    """The work was stopped while it waited for Redis or a store."""


def insist(
    do: Callable[[], Answer], should_stop: Callable[[], bool], waiting: str, pause: float = PAUSE_SECONDS
) -> Answer:
    """Make a call that needs Redis or the store of artifacts; repeat it for ten minutes while they may come back.

    `waiting` begins the words for the log, and `pause` is in seconds.

    Raises:
        ArtifactsUnavailable, StoreUnavailable: the store refused, or one of them stayed away.
        StoppedWaiting: `should_stop` said so. Whatever else `do` raises.
    """
    until = time.monotonic() + KEEP_SECONDS
    while True:
        try:
            return do()
        except (ArtifactsUnavailable, StoreUnavailable) as error:
            if not may_come_back(error) or time.monotonic() > until:
                raise
            log.warning("%s: %s", waiting, error)
        try:
            rest(pause, should_stop)
        except Stopped as error:
            raise StoppedWaiting from error


def may_come_back(error: ArtifactsUnavailable | StoreUnavailable) -> bool:
    """Return whether a later call may succeed without anybody's doing: always for Redis."""
    return not isinstance(error, ArtifactsUnavailable) or error.passing


def keep(publish: Callable[[], Artifact], should_stop: Callable[[], bool], pause: float = PAUSE_SECONDS) -> Artifact:
    """Publish, as `insist` does: the training took longer than a try.

    Raises:
        ModelNotKept: the store refused.
        ArtifactsUnavailable: it stayed away.
        Stopped: `should_stop` said so.
        LeaseLost: a later owner of the job has published already.
    """
    try:
        return insist(publish, should_stop, "The network waits to be published", pause)
    except ArtifactsUnavailable as error:
        if error.passing:
            raise
        raise ModelNotKept(str(error)) from error


def stoppable(download: Callable[[threading.Event], None], should_stop: Callable[[], bool]) -> None:
    """Run a download until it ends, or leave it to itself when the work has to stop, however silent its server is.

    `download` is given an event that is then set.

    Raises:
        Stopped: `should_stop` said so. Whatever `download` raises.
    """
    stop = threading.Event()
    running = aside(lambda: download(stop))
    while not wait([running], LOOK_SECONDS).done:
        if should_stop():
            stop.set()
            raise Stopped
    running.result()


def forget_checkpoint(store: ArtifactStore, job_id: str) -> None:
    """Remove the checkpoints of a job that has succeeded; what cannot be removed now goes with its record."""
    try:
        store.remove_checkpoint(job_id)
    except ArtifactsUnavailable as error:
        log.warning("The checkpoint of job %s stays: %s", job_id, error)


def rest(seconds: float, should_stop: Callable[[], bool]) -> None:
    """Wait, unless the work has to stop.

    Raises:
        Stopped: `should_stop` said so.
    """
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if should_stop():
            raise Stopped
        time.sleep(LOOK_SECONDS)
