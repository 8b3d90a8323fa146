"""Checks of Redis: reachable, new enough, durable, without eviction, with memory and rights, and its clock."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from bestguess.checks import Verdict, check_redis_url, ok, warning, wrong
from bestguess.supervisor.preflight import PreflightError
from bestguess.supervisor.redis import OLDEST, choose_program, executables
from jobs import figures, transitions
from jobs.errors import StoreUnavailable
from jobs.queue import QUEUE_KEY
from jobs.store import JobStore

if TYPE_CHECKING:
    from collections.abc import Iterator

    from app.settings import Settings
    from bestguess.checks import CheckResult

ABOUT = "Redis"
PATIENCE = 3.0  # seconds
APART = 2.0  # seconds that the clocks may differ; job ids sort by ours, the times of jobs are Redis's
CROWDED = 0.8  # of maxmemory
LOCAL = ("redis://localhost", "redis://127.", "redis://[::1]", "unix:")


def check_redis(settings: Settings) -> Iterator[CheckResult]:
    """Check the Redis of BESTGUESS_REDIS_URL; where that is not set, the program that `bestguess up` would start."""
    url = settings.redis_url
    if url is None:
        yield _check_program(settings)
        return
    readable = check_redis_url(url)
    if readable.verdict is Verdict.WRONG:
        yield readable
        return
    try:
        with _client(url) as client:
            yield from _check_server(client)
            yield from _check_password(url)
            yield from _check_queue(client)
            yield from _check_workers(client)
    except redis.AuthenticationError as error:
        yield wrong(ABOUT, f"refuses us: {error}", "Correct the user and the password in BESTGUESS_REDIS_URL.")
    except redis.ResponseError as error:
        action = "Name a database that it has, and let the URL's user run all commands (+@all ~bestguess:* &*)."
        yield wrong(ABOUT, f"refuses us: {error}", action)
    except (redis.RedisError, OSError) as error:
        action = "Start it, or correct BESTGUESS_REDIS_URL; images are classified without it, jobs are not taken."
        yield wrong(ABOUT, f"does not answer: {error}", action)


def _client(url: str) -> redis.Redis:
    limits: dict[str, Any] = {"socket_timeout": PATIENCE, "socket_connect_timeout": PATIENCE}
    return redis.Redis.from_url(url, decode_responses=True, retry=Retry(NoBackoff(), 0), **limits)


def _check_program(settings: Settings) -> CheckResult:
    try:
        program = choose_program(settings.data_dir / "redis", executables())
    except PreflightError as error:
        return wrong(ABOUT, str(error), "Install one, or set BESTGUESS_REDIS_URL.")
    return ok(ABOUT, f"`bestguess up` starts its own, {program.kind}; set BESTGUESS_REDIS_URL to share one")


def _check_server(client: redis.Redis) -> Iterator[CheckResult]:
    info: dict[str, Any] = client.info()
    yield _check_version(info)
    yield _check_durability(info)
    yield _check_eviction(info)
    yield _check_memory(info)
    yield _check_clock(client)
    if info.get("role", "master") != "master":
        yield wrong(f"{ABOUT}: role", "a replica, which takes no jobs", "Name its primary in BESTGUESS_REDIS_URL.")
    if info.get("cluster_enabled"):
        yield wrong(f"{ABOUT}: cluster", "a cluster", "Use a single one: each script needs all keys in one place.")


def _check_version(info: dict[str, Any]) -> CheckResult:
    name = "valkey" if "valkey_version" in info else "redis"
    version = str(info.get(f"{name}_version", "0"))
    number = tuple(int(part) for part in version.split(".")[:2] if part.isdecimal())
    oldest = ".".join(map(str, OLDEST[name]))
    if number < OLDEST[name]:
        return wrong(f"{ABOUT}: version", f"{name} {version}", f"Use {name} {oldest} or newer.")
    return ok(f"{ABOUT}: version", f"{name} {version}")


def _check_durability(info: dict[str, Any]) -> CheckResult:
    about = f"{ABOUT}: AOF"
    if not info.get("aof_enabled"):
        return wrong(about, "off: a restart loses jobs that were accepted", "appendonly yes, appendfsync everysec")
    if info.get("aof_last_write_status", "ok") != "ok" or info.get("aof_last_bgrewrite_status", "ok") != "ok":
        return wrong(about, "on, but its last write failed", "Look at its log and its disk: it is likely full.")
    return ok(about, "on")


def _check_eviction(info: dict[str, Any]) -> CheckResult:
    about, policy = f"{ABOUT}: eviction", info.get("maxmemory_policy", "noeviction")
    if policy != "noeviction":
        return wrong(about, f"{policy}: when it is full, jobs vanish", "maxmemory-policy noeviction")
    return ok(about, "noeviction")


def _check_memory(info: dict[str, Any]) -> CheckResult:
    about, used, most = f"{ABOUT}: memory", int(info.get("used_memory", 0)), int(info.get("maxmemory", 0))
    if not most:
        return ok(about, f"{used / 1e6:.0f} MB, without a limit of its own")
    found = f"{used / 1e6:.0f} of {most / 1e6:.0f} MB"
    if used > CROWDED * most:
        return warning(about, found, "Raise maxmemory, or lower BESTGUESS_JOB_RETENTION_SECONDS.")
    return ok(about, found)


def _check_clock(client: redis.Redis) -> CheckResult:
    before = time.time()
    seconds, microseconds = client.time()
    apart = seconds + microseconds / 1e6 - (before + time.time()) / 2
    if abs(apart) > APART:
        return warning("clock", f"Redis's is {apart:+.1f} s from ours", "Set both by NTP (timedatectl set-ntp true).")
    return ok("clock", f"Redis's is {1000 * apart:+.0f} ms from ours")


def _check_password(url: str) -> Iterator[CheckResult]:
    if "@" not in url and "password=" not in url and not url.startswith(LOCAL):
        yield warning(
            f"{ABOUT}: password", "none, on another machine", "requirepass, and redis://:password@host in the URL"
        )


def _check_queue(client: redis.Redis) -> Iterator[CheckResult]:
    """Check that jobs can be recorded and their messages queued."""
    try:
        client.llen(QUEUE_KEY)
        JobStore(client).run(transitions.ready())
    except (StoreUnavailable, redis.ResponseError) as error:
        action = "Mend what it names: memory, disk, role, or the rights of the URL's user (+@all ~bestguess:* &*)."
        yield wrong(f"{ABOUT}: queue", f"takes no jobs: {error}", action)


def _check_workers(client: redis.Redis) -> Iterator[CheckResult]:
    try:
        found = JobStore(client).run(figures.read())
    except (StoreUnavailable, redis.ResponseError) as error:
        yield wrong("workers", f"scripts do not run: {error}", "Let the user of the URL run EVAL, EVALSHA and INFO.")
        return
    if found.workers:
        yield ok("workers", f"{found.workers} live")
    else:
        yield warning("workers", "none lives: jobs wait", "bestguess worker, or bestguess up")
