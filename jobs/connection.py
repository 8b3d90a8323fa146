"""Connections to Redis that give up in time, and one error for everything that keeps Redis from answering.

The promise is an answer within 5 s while Redis hangs. A timeout, 2 s for connecting or for a reply, is therefore not
tried again. A connection that broke is, once: Redis was restarted, and the next attempt finds it or fails at once. That
repeats a call whose reply was lost, which every script bears.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import redis
from redis.asyncio import Redis as AsyncRedis
from redis.asyncio.retry import Retry as AsyncRetry
from redis.backoff import ConstantBackoff
from redis.exceptions import ConnectionError as BrokenConnection
from redis.exceptions import OutOfMemoryError, ReadOnlyError, ResponseError
from redis.exceptions import TimeoutError as NoReply
from redis.retry import Retry

from jobs.damage import damaged
from jobs.errors import StoreUnavailable

if TYPE_CHECKING:
    from collections.abc import Iterator

TIMEOUT = 2.0  # seconds
HEALTH_CHECK_INTERVAL = 10  # seconds after which an idle connection is asked before it is used
RETRIES, PAUSE = 1, 0.05  # redis-py nests them (connect, health check, command), so 8 refused attempts at most
# Replies that say "not now": https://redis.io/docs/latest/develop/reference/protocol-spec/#simple-errors
NOT_NOW = ("OOM", "MISCONF", "LOADING", "READONLY", "MASTERDOWN", "CLUSTERDOWN", "NOREPLICAS", "BUSY", "NOAUTH")


def connect(url: str) -> redis.Redis:
    """Make a blocking client for a `redis://`, `rediss://` or `unix://` URL; it connects when it is first used."""
    retry = Retry(ConstantBackoff(PAUSE), RETRIES, (BrokenConnection,))
    return redis.Redis.from_url(url, retry=retry, **_options(url))


def connect_async(url: str) -> AsyncRedis:
    """Make an asyncio client, as `connect` does; it belongs to the event loop that first uses it."""
    retry = AsyncRetry(ConstantBackoff(PAUSE), RETRIES, (BrokenConnection,))
    return AsyncRedis.from_url(url, retry=retry, **_options(url))


def _options(url: str) -> dict[str, Any]:
    options: dict[str, Any] = {
        "decode_responses": True,
        "encoding_errors": "replace",  # one value that is no UTF-8 must not make a whole reply unreadable
        "socket_timeout": TIMEOUT,
        "socket_connect_timeout": TIMEOUT,
        "health_check_interval": HEALTH_CHECK_INTERVAL,
    }
    return options if url.startswith("unix:") else options | {"socket_keepalive": True}


@contextmanager
def translated() -> Iterator[None]:
    """Raise StoreUnavailable for what redis-py raises when Redis cannot answer; other errors are ours and pass.

    Raises:
        RecordDamaged: a key is of another type than it has to be.
    """
    try:
        yield
    except (BrokenConnection, NoReply, OutOfMemoryError, ReadOnlyError) as error:
        raise StoreUnavailable(str(error)) from error
    except ResponseError as error:
        if "WRONGTYPE" in str(error):
            raise damaged("key", "in Redis", str(error)) from error
        if not str(error).startswith(NOT_NOW):
            raise
        raise StoreUnavailable(str(error)) from error
