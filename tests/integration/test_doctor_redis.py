from collections.abc import Iterator
from pathlib import Path

import pytest

from app.settings import Settings
from bestguess.checks import CheckResult, Verdict
from bestguess.doctor.redis import check_redis
from jobs import figures
from support.redis_server import LiveRedis, live_redis
from support.stores import FullStore

OK, WARNING, WRONG = Verdict.OK, Verdict.WARNING, Verdict.WRONG


@pytest.fixture(scope="module")
def own() -> Iterator[LiveRedis]:
    """A Redis of this file, whose configuration its tests change."""
    with live_redis() as server:
        yield server


def looked(url: str | None, folder: Path) -> dict[str, CheckResult]:
    """What is found about Redis, by what it is about."""
    return {finding.about: finding for finding in check_redis(Settings(redis_url=url, data_dir=folder))}


def test_a_redis_that_is_well(own: LiveRedis, tmp_path: Path) -> None:
    """Version, AOF, eviction, memory, clock and workers are well with our own configuration and a live worker."""
    with FullStore(own.url) as store:
        store.run(figures.beat("a worker", 60))
    found = looked(own.url, tmp_path)
    assert {finding.verdict for finding in found.values()} == {OK}
    parts = {"Redis: version", "Redis: AOF", "Redis: eviction", "Redis: memory", "clock", "workers"}
    assert parts <= found.keys()
    assert "1 live" in found["workers"].found


def test_a_redis_that_is_not(own: LiveRedis, tmp_path: Path) -> None:
    """What loses jobs is wrong, with the line of redis.conf that mends it; no worker is a warning."""
    with own.client() as client:
        client.flushall()
        client.config_set("appendonly", "no")
        client.config_set("maxmemory", "100mb")
        client.config_set("maxmemory-policy", "allkeys-lru")
        try:
            found = looked(own.url, tmp_path)
            client.config_set("maxmemory", 1)
            full = looked(own.url, tmp_path)
        finally:
            client.config_set("maxmemory", 0)
            client.config_set("maxmemory-policy", "noeviction")
            client.config_set("appendonly", "yes")
    assert found["Redis: AOF"].verdict is WRONG
    assert "appendonly yes" in found["Redis: AOF"].action
    assert found["Redis: eviction"].verdict is WRONG
    assert "maxmemory-policy noeviction" in found["Redis: eviction"].action
    assert found["Redis: memory"].verdict is OK
    assert full["Redis: memory"].verdict is WARNING
    assert found["workers"].verdict is WARNING


def test_a_password(own: LiveRedis, tmp_path: Path) -> None:
    """A missing or wrong password is told as such, without it."""
    with own.client() as client:
        client.config_set("requirepass", "s3cret")
        try:
            refused = looked(own.url, tmp_path)
            wrong = looked(f"unix://:guessed@{own.url.removeprefix('unix://')}", tmp_path)
        finally:
            client.execute_command("AUTH", "s3cret")
            client.config_set("requirepass", "")
    for found in (refused, wrong):
        assert found["Redis"].verdict is WRONG
        assert "password" in found["Redis"].action
        assert "guessed" not in found["Redis"].found


def test_the_last_database(own: LiveRedis, tmp_path: Path) -> None:
    """The last database is as good as any; one that does not exist is wrong, and told as such."""
    assert {finding.verdict for finding in looked(f"{own.url}?db=15", tmp_path).values()} <= {OK, WARNING}
    missing = looked(f"{own.url}?db=16", tmp_path)["Redis"]
    assert missing.verdict is WRONG
    assert "a database that it has" in missing.action


def test_a_user_who_may_little(own: LiveRedis, tmp_path: Path) -> None:
    """A user who may not run scripts is told what to allow."""
    with own.client() as client:
        client.acl_setuser("small", enabled=True, passwords=["+s3cret"], keys=["*"], commands=["+@all", "-@scripting"])
        try:
            found = looked(own.url.replace("unix://", "unix://small:s3cret@"), tmp_path)
        finally:
            client.acl_deluser("small")
    assert found["workers"].verdict is WRONG
    assert "EVAL" in found["workers"].action


def test_a_user_without_channels(own: LiveRedis, tmp_path: Path) -> None:
    """A user as ACL SETUSER makes it by default, with no channels, takes no jobs, and is told what lacks."""
    with own.client() as client:
        client.acl_setuser("mute", enabled=True, passwords=["+s3cret"], keys=["bestguess:*"], commands=["+@all"])
        try:
            found = looked(own.url.replace("unix://", "unix://mute:s3cret@"), tmp_path)
        finally:
            client.acl_deluser("mute")
    assert found["Redis: queue"].verdict is WRONG
    assert "channel" in found["Redis: queue"].found


def test_no_redis(own: LiveRedis, tmp_path: Path) -> None:
    """One that does not answer is wrong, also one that hangs, and a URL that is none; without one we start our own."""
    assert looked("redis://127.0.0.1:9/0", tmp_path)["Redis"].verdict is WRONG
    assert looked("http://127.0.0.1:9/0", tmp_path)["Redis"].verdict is WRONG
    with own.hung():
        assert looked(own.url, tmp_path)["Redis"].verdict is WRONG
    assert looked(None, tmp_path)["Redis"].verdict is OK
