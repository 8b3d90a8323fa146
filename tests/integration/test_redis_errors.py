"""The service and a worker over a Redis that answers errors."""

from __future__ import annotations

import time
from hashlib import sha1
from typing import TYPE_CHECKING

import pytest
from redis.exceptions import ResponseError

from app.settings import Settings
from bestguess.supervisor.probes import jobs_trouble
from jobs import figures
from jobs.errors import StoreUnavailable
from jobs.ids import new_job_id
from jobs.queue import MNIST_TRAIN, publish, waiting
from jobs.transitions import Call, Script
from support.job_requests import PICTURE, STREAM, TRAIN, problem
from support.live_server import Live, live
from support.redis_faults import FAULTS, FaultyRedis, faulty_redis
from support.waiting import wait_until
from support.worker_processes import BUSY, START, Workplace

if TYPE_CHECKING:
    from collections.abc import Iterator

    import redis

SOON = 15.0  # seconds in which all is well after a fault


@pytest.fixture(scope="module")
def faulty() -> Iterator[FaultyRedis]:
    """One Redis for all faults."""
    with faulty_redis() as faulty:
        yield faulty


@pytest.fixture(scope="module")
def api(faulty: FaultyRedis, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """Serve with it, and count calls in it."""
    settings = Settings(
        redis_url=faulty.url,
        data_dir=tmp_path_factory.mktemp("data"),
        decode_processes=1,
        max_queued_jobs=1000,
        anonymous_rate="1000000/minute",
    )
    with live(settings) as running:
        yield running


@pytest.fixture(scope="module")
def worker(faulty: FaultyRedis, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workplace]:
    """Call Redis as a worker does."""
    place = Workplace(faulty, tmp_path_factory.mktemp("worker"), None)
    yield place
    place.end()


@pytest.mark.parametrize("fault", FAULTS)
def test_an_error_of_redis(api: Live, worker: Workplace, faulty: FaultyRedis, fault: str) -> None:
    """Whatever Redis answers, jobs get 503, photographs are classified, a worker hears one error, all is well soon."""
    client = api.client
    job = client.post(TRAIN).json()["id"]
    with client.stream("GET", f"/jobs/{job}/events", headers=STREAM) as stream:
        next(stream.iter_bytes())  # from now on the service listens to Redis
    with FAULTS[fault](faulty):
        refused = client.post(TRAIN)
        assert problem(refused, 503)["type"].endswith(":not-ready")
        assert int(refused.headers["Retry-After"]) > 0
        reads = [client.get(path) for path in ("/jobs", f"/jobs/{job}", "/models", "/datasets", "/models/best/report")]
        assert {answer.status_code for answer in reads} <= {200, 404, 503}
        assert client.get("/metrics").status_code == 200
        ready = client.get("/readyz")
        assert (ready.status_code, ready.json()["redis"]["status"]) == (200, "down")
        assert client.post("/classify", files=PICTURE).status_code == 200
        with pytest.raises(StoreUnavailable):
            worker.store.cancel(job)
        if fault != "NOPERM for the channel":
            with pytest.raises(StoreUnavailable):
                publish(worker.queue, MNIST_TRAIN, job)
    wait_until(lambda: client.post(TRAIN).status_code == 202, SOON)
    wait_until(lambda: client.get("/readyz").json()["redis"] == {"status": "up", "detail": None}, SOON)
    assert client.post(f"/jobs/{job}/cancel").json()["status"] == "cancelled"
    assert not api.state["jobs"].feed._listener.done()


def test_an_error_of_ours(worker: Workplace) -> None:
    """A fault of a script of ours is raised as it is, and not taken for a Redis that is away."""
    for source in ("return nil + 1", "return redis.call('HSET', KEYS[1] .. 'x')"):
        broken = Script(source, sha1(source.encode(), usedforsecurity=False).hexdigest())
        with pytest.raises(ResponseError):
            worker.store.run(Call(broken, (), bool))


def test_up_says_why(faulty: FaultyRedis) -> None:
    """`bestguess up` tells a Redis that is away from one that refuses, and says what it refuses."""
    assert jobs_trouble(faulty.url) is None
    assert jobs_trouble("unix:///nowhere.sock") == "no answer from the Redis of BESTGUESS_REDIS_URL"
    assert "DB index is out of range" in str(jobs_trouble(f"{faulty.url}?db=16"))
    with faulty.replica():
        assert "refuses (READONLY" in str(jobs_trouble(faulty.url))


@pytest.fixture(scope="module")
def working(worker: Workplace, faulty: FaultyRedis) -> Workplace:
    """Run a worker, whose messages name jobs that nobody knows: it takes them, and does not train."""
    with faulty.admin() as admin:
        admin.flushall()
    worker.start()
    wait_until(lambda: _waits(worker), START)
    return worker


@pytest.mark.parametrize("fault", ["NOPERM", "READONLY", "CLUSTERDOWN"])
def test_a_worker_waits(working: Workplace, faulty: FaultyRedis, fault: str) -> None:
    """A worker whose Redis answers errors asks again, without haste or lost connections, and goes on soon after."""
    with faulty.admin() as admin, FAULTS[fault](faulty):
        wait_until(lambda: not _blocked(admin), START)
        if fault == "READONLY":  # Redis takes the connection, and refuses what follows
            refused, connections, began = _refused(admin), _connections(admin), time.monotonic()
            wait_until(lambda: _refused(admin) >= refused + 4, START)
            assert time.monotonic() - began > 2
            assert _connections(admin) < connections + 4
    publish(working.queue, MNIST_TRAIN, new_job_id())
    wait_until(lambda: _waits(working) and not waiting(working.queue), SOON + BUSY)
    assert working.workers[0].poll() is None
    wait_until(lambda: working.store.run(figures.read()).workers == 1, SOON + BUSY)


def _connections(client: redis.Redis) -> int:
    return int(client.info("clients")["connected_clients"])


def _waits(place: Workplace) -> bool:
    """Say whether a worker waits for messages."""
    with place.redis.admin() as admin:
        return bool(_blocked(admin))


def _blocked(client: redis.Redis) -> int:
    """Count the connections that wait, as BRPOP does."""
    return int(client.info("clients")["blocked_clients"])


def _refused(client: redis.Redis) -> int:
    """Count the refused attempts of the queue to write."""
    stats = client.info("commandstats")
    return sum(stats.get(f"cmdstat_{name}", {}).get("rejected_calls", 0) for name in ("set", "sadd"))
