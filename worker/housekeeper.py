"""What is over is removed: old jobs, the networks that are too many, removed photographs, and what was half written.

One worker at a time does it, by a lock, and each for its own machine; beside the reconciler, which must not wait for a
store that is slow or away.
"""

from __future__ import annotations

import logging
import time
import uuid
from contextlib import suppress
from typing import TYPE_CHECKING

from jobs.artifacts import ArtifactsUnavailable
from jobs.background import PeriodicThread
from jobs.datasets.records import Datasets
from jobs.errors import JobNotFound, RecordDamaged, StoreError, StoreUnavailable
from jobs.registry import Registry

if TYPE_CHECKING:
    from collections.abc import Callable

    from jobs.artifacts import ArtifactStore
    from jobs.store import JobStore
    from worker.finetune.cache import ArrayCache

log = logging.getLogger(__name__)

LOCK = "housekeeper"
EVERY_SECONDS = 2.0
REST_SECONDS = 60.0  # after something could not be removed: each try may take half a minute, and says so in the log
SWEEP_SECONDS = 3600.0
PART_SECONDS = 60.0  # after which a part of a round ends at the next thing that cannot be removed
LOCK_SECONDS = 120.0  # longer than a round that goes well; two at once would do no harm, and no good


class Housekeeper(PeriodicThread):
    """A thread that looks every two seconds for old jobs, and every hour for what was left."""

    def __init__(
        self,
        store: JobStore,
        artifacts: ArtifactStore,
        retention: float,
        most_models: int,
        features: ArrayCache | None = None,
    ) -> None:
        super().__init__("housekeeper", EVERY_SECONDS, self._round)
        self._store, self._registry, self._datasets = store, Registry(store), Datasets(store)
        self._artifacts, self._features = artifacts, features
        self._retention, self._most_models = retention, most_models
        self._sweep_at = {"here": 0.0, "features": 0.0, "store": 0.0}
        self._refused = False
        self._owner = uuid.uuid4().hex

    def stop(self, seconds: float | None = 1) -> None:
        """Stop, and release the lock; another worker removes what this one was about to."""
        super().stop(seconds)
        try:
            self._store.unlock(LOCK, self._owner)
        except StoreError:
            log.debug("the lock is left to run out")

    def look(self) -> bool:
        """Do one round: here, and if no other worker does, in the store; say whether all that is over could be removed.

        What could not is told of in the log, holds nothing else up, and is tried again in a later round.

        Raises:
            StoreUnavailable: Redis is away; the next round does what is left.
        """
        self._refused = False
        self._part(lambda: self._sweep("here", self._artifacts.sweep_here))
        if features := self._features:
            self._part(lambda: self._sweep("features", lambda: self._forget_features(features)))
        if self._store.lock(LOCK, self._owner, LOCK_SECONDS):
            self._part(lambda: self._sweep("store", self._artifacts.sweep))
            self._part(self._purge)
            self._part(self._prune)
            self._part(self._forget)
        return not self._refused

    def _part(self, do: Callable[[], None]) -> None:
        """Do a part of a round, whatever becomes of it."""
        try:
            do()
        except (ArtifactsUnavailable, StoreUnavailable) as error:
            log.warning("%s", error)
        except Exception:
            log.exception("a part of a round failed; a later one tries again")
        else:
            return
        self._refused = True

    def _sweep(self, where: str, sweep: Callable[[], list[str]]) -> None:
        if time.monotonic() < self._sweep_at[where]:
            return
        self._sweep_at[where] = time.monotonic() + SWEEP_SECONDS  # also if it fails
        for name in sweep():
            log.info("%s was left half written, and is removed", name)

    def _forget_features(self, features: ArrayCache) -> list[str]:
        """Remove what jobs have begun to compute that are over, and had nobody who could remove it, and name them."""
        over = []
        for owner in features.owners():
            with suppress(JobNotFound, RecordDamaged):  # also a job of another Redis: what is nobody's goes by its age
                if self._store.get(owner).status.finished:
                    features.forget(owner)
                    over.append(f"what {owner} computed")
        return over

    def _purge(self) -> None:
        until = time.monotonic() + PART_SECONDS

        def remove(job_id: str, registered: bool) -> bool:
            # A late copy of a checkpoint may have been left, also where the network stays.
            return self._remove(
                self._artifacts.remove_checkpoint if registered else self._artifacts.remove, job_id, until
            )

        for job_id in self._store.purge(self._retention, remove):
            log.info("job %s is over for long, and removed", job_id)

    def _prune(self) -> None:
        until = time.monotonic() + PART_SECONDS
        gone = self._registry.prune(
            self._most_models, lambda model_id: self._remove(self._artifacts.remove, model_id, until)
        )
        for model_id in gone:
            log.info("network %s is removed, with its files", model_id)

    def _forget(self) -> None:
        """Remove the photographs of data sets that were removed, and those that never got a record."""
        until = time.monotonic() + PART_SECONDS
        for part in self._datasets.forget(lambda part: self._remove(self._artifacts.remove, part, until)):
            log.info("photographs %s belong to no data set, and are removed", part)

    def _remove(self, remove: Callable[[str], None], job_id: str, until: float) -> bool:
        """Remove something of a job or a data set, and say whether that is done.

        Raises:
            ArtifactsUnavailable: it is not, and it is late: the store may be away, and each try take long.
        """
        try:
            remove(job_id)
        except ArtifactsUnavailable as error:
            if time.monotonic() > until:
                raise
            log.warning("Something of %s stays for now: %s", job_id, error)
        except Exception:
            log.exception("Something of %s stays for now", job_id)
        else:
            return True
        self._refused = True
        return False

    def _round(self) -> float | None:
        return None if self.look() else REST_SECONDS
