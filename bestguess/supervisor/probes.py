"""Whether the processes answer: PING for Redis, GET /healthz for the API."""

from __future__ import annotations

import asyncio
import ipaddress
from typing import TYPE_CHECKING

import redis
from redis.asyncio import Redis

from jobs import transitions
from jobs.connection import connect
from jobs.errors import StoreUnavailable
from jobs.store import JobStore

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

PATIENCE = 2.0  # seconds for one answer
PAUSE = 0.05  # seconds between two questions


async def until(probe: Callable[[], Awaitable[bool]]) -> None:
    """Ask again and again until the answer is yes, 50 ms after each no; the caller sets the limit."""
    while not await probe():  # noqa: ASYNC110 - no event tells that another process is ready
        await asyncio.sleep(PAUSE)


async def answers_ping(url: str) -> bool:
    """Whether the Redis at a redis://, rediss:// or unix:// URL says PONG within 2 s; False while it loads."""
    client = Redis.from_url(url)
    try:
        async with asyncio.timeout(PATIENCE):
            return bool(await client.ping())
    except (redis.RedisError, OSError):  # TimeoutError is an OSError
        return False
    finally:
        await client.aclose()


def jobs_trouble(url: str) -> str | None:
    """Say why the Redis at a URL takes no jobs, or None where it does; blocks for up to 5 s and the name service."""
    try:
        with JobStore(connect(url)) as store:
            store.run(transitions.ready())
    except StoreUnavailable as error:
        refused = isinstance(error.__cause__, (redis.ResponseError, redis.AuthenticationError))
        name = "the Redis of BESTGUESS_REDIS_URL"
        return f"{name} refuses ({error})" if refused else f"no answer from {name}"
    return None


async def answers_healthz(host: str, port: int) -> bool:
    """Whether the API that listens on host and port answers GET /healthz with 200 within 2 s."""
    try:
        async with asyncio.timeout(PATIENCE):
            return await _status(host, port) == b"200"
    except (OSError, EOFError):
        return False


def page_url(host: str, port: int) -> str:
    """The page's URL, with its slash at the end, for a browser on this machine."""
    host = _reachable(host)
    return f"http://[{host}]:{port}/" if ":" in host else f"http://{host}:{port}/"


async def _status(host: str, port: int) -> bytes:
    reader, writer = await asyncio.open_connection(_reachable(host), port)
    try:
        netloc = page_url(host, port).split("/")[2]
        writer.write(f"GET /healthz HTTP/1.1\r\nHost: {netloc}\r\nConnection: close\r\n\r\n".encode())
        return (await reader.readuntil(b"\r\n"))[9:12]
    finally:
        writer.close()


def _reachable(host: str) -> str:
    """Loopback in place of the wildcard address, which one can listen on but not call everywhere."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:  # a name
        return host
    return ("127.0.0.1" if address.version == 4 else "::1") if address.is_unspecified else host  # noqa: PLR2004 - IPv4
