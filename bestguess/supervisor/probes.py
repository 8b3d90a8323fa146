"""Probes of the other processes: PING for Redis, GET /healthz for the API."""

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
PAUSE = 0.05  # seconds between two probes


async def until(probe: Callable[[], Awaitable[bool]]) -> None:
    """Repeat a probe until it succeeds, 50 ms after each failure; the caller sets the limit."""
    while not await probe():  # noqa: ASYNC110 - no event tells that another process is ready
        await asyncio.sleep(PAUSE)


async def answers_ping(url: str) -> bool:
    """Return whether the Redis at a redis://, rediss:// or unix:// URL answers PONG within 2 s; not while it loads."""
    client = Redis.from_url(url)
    try:
        async with asyncio.timeout(PATIENCE):
            return bool(await client.ping())
    except (redis.RedisError, OSError):  # TimeoutError is an OSError
        return False
    finally:
        await client.aclose()


def jobs_trouble(url: str) -> str | None:
    """Return why the Redis at a URL takes no jobs, or None if it does; blocks for up to 5 s plus name resolution."""
    try:
        with JobStore(connect(url)) as store:
            store.run(transitions.ready())
    except StoreUnavailable as error:
        refused = isinstance(error.__cause__, (redis.ResponseError, redis.AuthenticationError))
        name = "the Redis of BESTGUESS_REDIS_URL"
        return f"{name} refuses ({error})" if refused else f"no answer from {name}"
    return None


async def answers_healthz(host: str, port: int) -> bool:
    """Return whether the API that listens on host and port answers GET /healthz with 200 within 2 s."""
    try:
        async with asyncio.timeout(PATIENCE):
            return await _status(host, port) == b"200"
    except (OSError, EOFError):
        return False


def page_url(host: str, port: int) -> str:
    """Return the web page's URL for a browser on this machine, with a slash at the end."""
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
    """Return loopback for the wildcard address, on which one can listen but which not every system can call."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:  # a name
        return host
    return ("127.0.0.1" if address.version == 4 else "::1") if address.is_unspecified else host  # noqa: PLR2004 - IPv4
