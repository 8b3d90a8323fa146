"""The worker's Celery application: `celery -A worker.main worker`; `python -m worker` runs that."""

from __future__ import annotations

import logging
import os
import signal
import sys
from typing import TYPE_CHECKING, Any

from celery import signals

from jobs.artifacts import open_store
from jobs.connection import connect
from jobs.queue import celery_app
from jobs.settings import SettingsError, WorkerSettings
from jobs.store import JobStore
from jobs.telemetry import logs
from worker import messages
from worker.children import StuckWatch, tell_to_leave
from worker.execution import LEAVE
from worker.finetune.job import kept_features
from worker.heartbeat import Heartbeat
from worker.housekeeper import Housekeeper
from worker.lease import ENDED
from worker.priority import give_way
from worker.pulse import Pulse
from worker.reconciler import Reconciler

if TYPE_CHECKING:
    from celery import Celery

log = logging.getLogger(__name__)

SETTLING = 1500  # seconds beyond a job's own limit in which it may wait for Redis: to begin, and to say how it ended


def make() -> Celery:
    """Make the application, from the environment; Celery's command line wants it as a module's attribute."""
    try:
        settings = WorkerSettings.load()
    except SettingsError as error:
        sys.exit(str(error))
    if settings.redis_url is None:
        sys.exit("A worker needs Redis: set BESTGUESS_REDIS_URL, the same as the service's.")
    messages.use()
    made = celery_app(settings.redis_url, hard_limit_seconds=int(settings.job_seconds) + SETTLING)
    made.conf.imports = ("worker.tasks",)
    made.conf.worker_consumer = "worker.consumer:PatientConsumer"
    made.bestguess = settings
    return made


app = make()


@signals.worker_init.connect
def let_the_api_go_first(**_: Any) -> None:  # noqa: ANN401 - Celery's signals carry what they like
    """Lower the priority of all that this worker does."""
    give_way(app.bestguess.worker_niceness)


@signals.setup_logging.connect
def set_up_logging(**_: Any) -> None:  # noqa: ANN401
    """Log as the API does, instead of in Celery's own way."""
    logs.set_up(app.bestguess.log_level, app.bestguess.log_format)


@signals.worker_process_init.connect
def end_at_once(**_: Any) -> None:  # noqa: ANN401
    """End a child that has no job yet, or none any more, when the worker leaves."""
    signal.signal(LEAVE, lambda *_: os._exit(ENDED))


@signals.worker_ready.connect
def keep_watch(**_: Any) -> None:  # noqa: ANN401
    """Start the threads of the main process, once it takes jobs; without them the process ends."""
    try:
        _start_watches(app.bestguess)
    except Exception:
        log.exception("the worker cannot start its threads, and ends")
        sys.exit(1)  # Celery logs other errors of a signal's receiver, and goes on


def _start_watches(settings: WorkerSettings) -> None:
    store = JobStore(connect(settings.redis_url or ""))
    artifacts = open_store(settings.artifacts_url, settings.data_dir)
    features = kept_features(settings)
    housekeeper = Housekeeper(store, artifacts, settings.job_retention_seconds, settings.max_models, features)
    pulse = Pulse(settings.worker_pulse)
    watches = Heartbeat(store), Reconciler(store, app), StuckWatch(store), housekeeper, pulse
    for watch in watches:
        watch.start()

    @signals.worker_shutdown.connect(weak=False)
    def end_watch(**_: Any) -> None:  # noqa: ANN401
        for watch in watches:
            watch.stop()


@signals.worker_shutting_down.connect
def leave(**_: Any) -> None:  # noqa: ANN401
    """Tell the children, so that their jobs go on elsewhere from the last checkpoint.

    Celery's warm shutdown, at a plain SIGTERM, then has nothing to wait for. Its soft shutdown (REMAP_SIGTERM=SIGQUIT)
    was tried: it sleeps through its whole time-out before it says a word.
    """
    tell_to_leave()
