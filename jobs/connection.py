"""Connections to Redis that give up in time, and one error for everything that keeps Redis from answering.

The promise is an answer within 5 s while Redis hangs. A timeout, 2 s for connecting or for a reply, is therefore not
tried again. A connection that broke is, once: Redis was restarted, and the next attempt finds it or fails at once. That
repeats a call whose reply was lost, which every script bears.
"""

from __future__ import annotations

import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import redis
from redis.asyncio import Redis as AsyncRedis
from redis.asyncio.retry import Retry as AsyncRetry
from redis.backoff import ConstantBackoff
from redis.exceptions import (
    ClusterDownError,
    InvalidResponse,
    NoPermissionError,
    OutOfMemoryError,
    ReadOnlyError,
    RedisError,
    ResponseError,
    TryAgainError,
)
from redis.exceptions import ConnectionError as BrokenConnection
from redis.exceptions import TimeoutError as NoReply
from redis.retry import Retry

from jobs.damage import damaged
from jobs.errors import StoreUnavailable

if TYPE_CHECKING:
    from collections.abc import Iterator

TIMEOUT = 2.0  # seconds
HEALTH_CHECK_INTERVAL = 10  # seconds after which an idle connection is asked before it is used
RETRIES, PAUSE = 1, 0.05  # redis-py nests them (connect, health check, command), so 8 refused attempts at most
# What a command inside a script is refused with because of the server's state or our user's rights. redis-py strips the
# code of an error that it has a class for (MasterDownError is a ClusterDownError), and leaves the others in the text. A
# script's error has no code where Redis 7.0 refuses it for the user's rights, or any Redis for its cluster.
REFUSED_BY_CLASS = (ClusterDownError, NoPermissionError, OutOfMemoryError, ReadOnlyError, TryAgainError)
REFUSED_BY_TEXT = re.compile(
    "BUSY |LOADING |MISCONF |NOREPLICAS |The user executing the script can't |Script killed by user "
    "|Script attempted to .*(cluster|slot)"
)


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
    """Raise StoreUnavailable for whatever keeps Redis from doing what was asked; errors of ours pass as they are.

    Raises:
        RecordDamaged: a key is of another type than it has to be.
    """
    try:
        yield
    except (BrokenConnection, NoReply, InvalidResponse, ResponseError) as error:
        if "WRONGTYPE" in str(error):
            raise damaged("key", "in Redis", str(error)) from error
        if _ours(error):
            raise
        raise StoreUnavailable(_words(error)) from error


def _ours(error: RedisError) -> bool:
    """Say whether an error is a bug of our scripts, which must not be taken for a Redis that is away.

    All we send are scripts with one key, and SUBSCRIBE. What Redis refuses before a script runs it refuses because of
    its state, the connection or the user: unknown codes too, of later versions, proxies and managed services. An error
    from inside a script, which names `user_script`, is a bug, unless the command was refused for one of those reasons.
    """
    text = str(error)
    return "user_script" in text and not isinstance(error, REFUSED_BY_CLASS) and not REFUSED_BY_TEXT.match(text)


def _words(error: RedisError) -> str:
    """Return the error's text with the code that redis-py has stripped."""
    code = error.status_code
    return str(error) if code in {None, "ERR"} else f"{code} {error}"
