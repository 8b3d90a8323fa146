"""How a worker hears of a job: the one Celery configuration. The job's record is the truth, this only a word about it.

Celery over Redis loses messages and delivers some twice, so a message is a job's id and nothing else: a worker that
gets it asks the record whether the job is to be had, and a reconciler sends it again where the record waits too long.
"""

from __future__ import annotations

import json
import sys
from contextlib import contextmanager
from hashlib import sha256
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit, urlunsplit

from celery import Celery
from kombu.exceptions import KombuError
from redis.exceptions import RedisError

from jobs.damage import damaged
from jobs.errors import StoreUnavailable

if TYPE_CHECKING:
    from collections.abc import Iterator

MNIST_TRAIN = "mnist-train"
FINETUNE = "finetune"
TASKS = {MNIST_TRAIN: "bestguess.mnist_train", FINETUNE: "bestguess.finetune"}  # a job's kind to its task's name
QUEUE = "bestguess"
KEY_PREFIX = "bestguess:broker:"  # of all keys and channels of the broker, in the jobs' own database
QUEUE_KEY = KEY_PREFIX + QUEUE  # the list of waiting messages
HARD_LIMIT_SECONDS = 2 * 3600  # twice what the largest job should take
WORKER_COMMAND = (sys.executable, "-m", "worker")

TIMEOUT_SECONDS = 5.0
_CONNECTION = {
    "socket_connect_timeout": 3,
    "socket_keepalive": True,  # finds a machine that went away
    "health_check_interval": 10,  # asks an idle connection before it is used
    # Publishing connects anew once, and not for 6 s; a worker's own connection has the setting further below.
    "max_retries": 1,
    "interval_start": 0.1,
}
_WORKER = {
    "worker_pool": "prefork",  # training in a process of its own, which can be killed
    "worker_concurrency": 1,  # a training takes the whole machine
    "worker_pool_start_method": "spawn",  # TensorFlow hangs after a fork (tensorflow#51832)
    "worker_proc_alive_timeout": 60,  # with the default, 4 s, a slow import under spawn loops for ever
    "worker_max_tasks_per_child": 1,  # what a training leaves in memory goes with its process
    "worker_prefetch_multiplier": 1,  # what one worker holds, another cannot run
    "task_acks_late": True,  # a message is done when its job is
    "broker_connection_retry_on_startup": True,  # a worker may be started before Redis
    "broker_connection_max_retries": None,  # and outlives every absence of Redis
    "broker_channel_error_retry": True,  # and every error that Redis answers, such as NOPERM or OOM
}
_MESSAGES = {
    "task_ignore_result": True,  # the result is in the job's record
    "task_serializer": "json",  # nothing that could run code when it is read
    "accept_content": ["json"],
    "result_accept_content": ["json"],
    "task_default_queue": QUEUE,
    "broker_pool_acquire_timeout": 2,  # publishing waits no longer for one of its connections
}


def celery_app(
    redis_url: str, *, hard_limit_seconds: int = HARD_LIMIT_SECONDS, timeout_seconds: float = TIMEOUT_SECONDS
) -> Celery:
    """Make the Celery application for the Redis with the jobs; connects to nothing yet.

    A hung Redis is an error after `timeout_seconds`: a worker may wait a while, one who answers requests may not.

    Raises:
        ValueError: the URL is not one for Redis.
    """
    app = Celery("bestguess", broker=broker_url(redis_url), set_as_current=False)
    app.conf.update(_WORKER | _MESSAGES)
    app.conf.task_time_limit = hard_limit_seconds
    app.conf.broker_transport_options = _CONNECTION | {
        "global_keyprefix": KEY_PREFIX,
        "socket_timeout": timeout_seconds,
        # What runs longer would be delivered a second time (celery#5935).
        "visibility_timeout": hard_limit_seconds + 600,
        "unacked_restore_interval": 5,  # look often for what a worker that died has not acknowledged
    }
    return app


def broker_url(redis_url: str) -> str:
    """Write the URL of the jobs' Redis as Celery wants it: the same database, in which KEY_PREFIX keeps both apart.

    Raises:
        ValueError: the scheme is not `redis`, `rediss` or `unix`, or the database is no number.
    """
    url = urlsplit(redis_url)
    query = dict(parse_qsl(url.query))
    named = query.pop("db", None)
    if url.scheme == "unix":
        query["virtual_host"] = str(int(named or 0))
        return f"redis+socket://{url.netloc}{url.path}?{urlencode(query)}"
    if url.scheme not in {"redis", "rediss"}:
        raise ValueError("a URL for Redis begins with redis://, rediss:// or unix://")
    if url.scheme == "rediss":
        query.setdefault("ssl_cert_reqs", "required")  # Celery's default would trust every certificate
    database = int(named or unquote(url.path).strip("/") or 0)
    return urlunsplit((url.scheme, url.netloc, f"/{database}", urlencode(query), ""))


def publish(app: Celery, kind: str, job_id: str) -> None:
    """Tell a worker of a job; blocks for the application's timeout if Redis hangs.

    Raises:
        StoreUnavailable: Redis did not take the message, or took it and did not say so.
    """
    with _translated():
        # Not tried again here: the record stands, and the reconciler publishes what was not.
        app.send_task(TASKS[kind], (job_id,), task_id=job_id, retry=False)


def waiting(app: Celery) -> set[str]:
    """Find the jobs whose message no worker has taken yet, so that none needs to be sent again.

    Raises:
        StoreUnavailable: Redis did not answer.
    """
    with _translated(), app.connection_for_read() as connection, connection.channel() as channel:
        # kombu puts its prefix before the keys of the commands that it uses itself, and LRANGE is none of them.
        messages: list[Any] = channel.client.lrange(channel.global_keyprefix + QUEUE, 0, -1)
    return {job_id for message in messages if (job_id := _id_in(message))}


def _id_in(message: str | bytes) -> str | None:
    """Read the id in a message; None where the message is none of ours, which is logged once."""
    try:
        job_id = json.loads(message)["headers"]["id"]
    except (ValueError, LookupError, TypeError, RecursionError) as error:
        damaged(
            "message", sha256(repr(message).encode()).hexdigest()[:16], f"it is none of ours ({type(error).__name__})"
        )
        return None
    return job_id if isinstance(job_id, str) else None


@contextmanager
def _translated() -> Iterator[None]:
    """Raise StoreUnavailable for whatever Redis answers: no script of ours is behind it, so none of it is a bug."""
    try:
        yield
    except (KombuError, RedisError, OSError) as error:
        raise StoreUnavailable(f"the queue: {error}") from error
