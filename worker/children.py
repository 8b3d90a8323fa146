"""The processes that train, as the worker's main process sees them: told to leave, or killed where they are stuck."""

from __future__ import annotations

import logging
import os
import signal
import socket
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from billiard.exceptions import WorkerLostError
from billiard.process import active_children
from celery.worker.request import Request

from bestguess.schemas.jobs import JobStatus
from jobs.background import PeriodicThread
from jobs.errors import LeaseLost
from worker.execution import LEAVE
from worker.lease import ENDED

if TYPE_CHECKING:
    from jobs.store import JobStore

log = logging.getLogger(__name__)

LOOK_SECONDS = 1.0
STUCK_SECONDS = 8.5  # after a cancel; the child itself gives up after 7, unless it is stopped as a whole


def tell_to_leave() -> None:
    """Send every child the signal at which a training stops and gives its job back."""
    for child in active_children():
        with suppress(ProcessLookupError):
            os.kill(child.pid, LEAVE)


class JobRequest(Request):  # type: ignore[misc] # Celery has no types
    """Celery's side of a task whose process may end in the middle of it, after it has settled its job."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - Celery's
        super().__init__(*args, **kwargs)
        self.time_limits = (None, None)  # none of ours has its own; a bad one would keep the only process for ever

    def on_failure(self, exc_info: Any, send_failed_event: bool = True, return_ok: bool = False) -> None:  # noqa: ANN401 - billiard's
        """Log a lost process as an error, unless its exit code says that nothing is lost."""
        error = getattr(exc_info.exception, "exc", exc_info.exception)  # billiard may wrap it
        ended = isinstance(error, WorkerLostError) and f"exitcode {ENDED} " in str(error)
        super().on_failure(exc_info, send_failed_event, return_ok or ended)


class StuckWatch(PeriodicThread):
    """A thread that kills the child whose cancelled job has not ended in time; a child has one job in its life."""

    def __init__(self, store: JobStore) -> None:
        super().__init__("stuck-watch", LOOK_SECONDS, self.look)
        self._store = store
        self._seen: dict[str, float] = {}

    def look(self) -> None:
        """Kill the children of this process whose jobs have been cancelling for too long, and settle those jobs."""
        cancelling = {job.id for job in self._store.list(JobStatus.CANCELLING, 100).jobs}
        self._seen = {job_id: self._seen.get(job_id, time.monotonic()) for job_id in cancelling}
        for job_id, since in self._seen.items():
            if time.monotonic() - since > STUCK_SECONDS:
                self._kill(job_id)

    def _kill(self, job_id: str) -> None:
        hold = self._store.hold(job_id)
        if hold is None:
            return
        host = socket.gethostname()
        pids = {f"{host}:{child.pid}": child.pid for child in active_children()}
        pid = pids.get(hold.owner.rpartition(":")[0])
        if pid is None:
            return
        log.error("job %s does not stop; its process %d is killed", job_id, pid)
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        with suppress(LeaseLost):  # it has ended meanwhile
            self._store.finish(job_id, hold.fence, JobStatus.CANCELLED)
