"""Keys over HTTP with a real Redis: whose things are whose, and how often one may call, over two replicas."""

import asyncio
from collections.abc import Iterator
from contextlib import ExitStack, aclosing
from pathlib import Path

import pytest

from app.access.rate_limit import RateLimiter
from app.settings import Rate, Settings
from bestguess.schemas.jobs import JobStatus
from support.api_keys import Headers, add_key, closed
from support.job_requests import PICTURE, STREAM, TRAIN, events_of, problem
from support.job_store import LEASE, timed
from support.live_server import Live, live
from support.redis_server import LiveRedis
from support.stores import FullStore
from support.trained_models import publish, untrained
from support.waiting import wait_until

pytestmark = [
    pytest.mark.usefixtures("store"),  # which begins with an empty Redis
    pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy:DeprecationWarning"),
]
PATIENT = 5.0  # seconds: a busy machine is not taken for a Redis that hangs


@pytest.fixture
def replicas(server: LiveRedis, tmp_path: Path) -> Iterator[tuple[Live, Live, Headers]]:
    """Serve twice with the same keys, on one Redis: ann and bob, who train and classify, and the operator."""
    names = ("ann-classify-train", "bob-classify-train", "ops-admin")
    wishes = {"redis_url": server.url, "rate_wait_seconds": PATIENT, "max_jobs_per_owner": 2, "log_level": "debug"}
    settings, headers = closed(tmp_path, *names, **wishes)
    with live(settings) as one, live(settings) as other:
        yield one, other, headers


def test_a_job_is_its_keys_own(replicas: tuple[Live, Live, Headers]) -> None:
    """Through every replica a key sees and cancels its own jobs; another's are not there; an admin's all are."""
    (one, other), keys = replicas[:2], replicas[2]
    made = one.client.post(TRAIN, json={"steps": 5}, headers=keys["ann"])
    job = made.json()["id"]
    addresses = (f"/jobs/{job}", f"/jobs/{job}/events")
    for address in addresses:
        missing = problem(other.client.get(address.replace(job, "job_0"), headers=keys["bob"]), 404)
        hidden = problem(other.client.get(address, headers=keys["bob"]), 404)
        assert hidden["detail"] == missing["detail"].replace("job_0", job)
        assert other.client.get(address, headers=keys["ann"]).status_code == 200
        assert other.client.get(address, headers=keys["ops"]).status_code == 200
    problem(other.client.get(addresses[1], headers=keys["bob"] | STREAM), 404)
    problem(other.client.post(f"/jobs/{job}/cancel", headers=keys["bob"]), 404)
    listed = {
        name: [one["id"] for one in other.client.get("/jobs", headers=keys[name]).json()["data"]] for name in keys
    }
    assert listed == {"ann": [job], "bob": [], "ops": [job]}
    assert other.client.post(f"/jobs/{job}/cancel", headers=keys["ann"]).json()["status"] == "cancelled"
    watched = one.client.get(addresses[1], headers=keys["ann"] | STREAM)
    assert [event["event"] for event in events_of(watched.text)] == ["created", "cancelled"]


def test_quotas_and_idempotency(replicas: tuple[Live, Live, Headers]) -> None:
    """A key's quota of unfinished jobs holds over all replicas, and idempotency keys are each key's own."""
    one, other, keys = replicas
    once = {"Idempotency-Key": "first"}
    first = one.client.post(TRAIN, json={"steps": 5}, headers=keys["ann"] | once)
    assert other.client.post(TRAIN, json={"steps": 5}, headers=keys["ann"] | once).json()["id"] == first.json()["id"]
    theirs = other.client.post(TRAIN, json={"steps": 6}, headers=keys["bob"] | once)
    assert theirs.status_code == 202
    assert theirs.json()["id"] != first.json()["id"]
    assert other.client.post(TRAIN, json={}, headers=keys["ann"]).status_code == 202
    refused = one.client.post(TRAIN, json={}, headers=keys["ann"])
    assert "2 unfinished jobs" in problem(refused, 429)["detail"]
    assert int(refused.headers["Retry-After"]) > 0
    one.client.post(f"/jobs/{first.json()['id']}/cancel", headers=keys["ann"])
    assert other.client.post(TRAIN, json={}, headers=keys["ann"]).status_code == 202


def test_a_model_is_its_keys_own(replicas: tuple[Live, Live, Headers], store: FullStore, tmp_path: Path) -> None:
    """Wherever a model or an alias can stand, another's is not there; the pretrained networks are everybody's."""
    client, keys = replicas[0].client, replicas[2]
    mine = publish(store, tmp_path, untrained(), owner="ann")
    newer = publish(store, tmp_path, untrained(), owner="bob")
    assert client.put("/models/aliases/production", json={"model_id": mine}, headers=keys["ops"]).status_code == 200
    ids = {name: [one["id"] for one in client.get("/models", headers=keys[name]).json()["data"]][3:] for name in keys}
    assert ids == {"ann": [mine], "bob": [newer], "ops": [newer, mine]}
    for name in (mine, "production"):
        for address in (f"/models/{name}", f"/models/{name}/report", f"/models/{name}/download"):
            problem(client.get(address, headers=keys["bob"]), 404)
            assert client.get(address, headers=keys["ann"]).status_code == 200, address
        problem(client.post(f"/models/{name}/classify", files=PICTURE, headers=keys["bob"]), 404)
        problem(client.post("/classify", params={"model": name}, files=PICTURE, headers=keys["bob"]), 404)
        problem(client.delete(f"/models/{name}", headers=keys["bob"]), 404)
    latest = {name: client.get("/models/latest", headers=keys[name]).json()["id"] for name in keys}
    assert latest == {"ann": mine, "bob": newer, "ops": newer}
    aliases = {name: client.get("/models/aliases", headers=keys[name]).json()["data"] for name in keys}
    assert [one["name"] for one in aliases["ann"]] == ["best", "latest", "production"]
    assert [one["name"] for one in aliases["bob"]] == ["best", "latest"]
    assert client.post("/classify", params={"model": "vgg16"}, files=PICTURE, headers=keys["bob"]).status_code == 200
    assert client.delete("/models/production", headers=keys["ann"]).status_code == 204
    problem(client.get(f"/models/{mine}", headers=keys["ops"]), 404)


def test_keys_of_one_owner_share(replicas: tuple[Live, Live, Headers]) -> None:
    """A new key with the owner of an old one goes on with its jobs, so that keys can be changed without a gap."""
    one, other, keys = replicas
    job = one.client.post(TRAIN, json={}, headers=keys["ann"]).json()["id"]
    new = add_key(one.state["settings"].keys_path, "ann-2", "train", owner="ann")
    wait_until(lambda: other.client.get(f"/jobs/{job}", headers=new).status_code == 200, 10)


def test_a_workers_retry_keeps_the_owner(replicas: tuple[Live, Live, Headers], store: FullStore) -> None:
    """A job that a worker has given back is still its key's."""
    client, keys = replicas[0].client, replicas[2]
    job = client.post(TRAIN, json={}, headers=keys["ann"]).json()["id"]
    claim = store.claim(job, "worker", LEASE)
    assert claim is not None
    store.release(job, claim.fence)
    assert client.get("/jobs", params={"status": "queued"}, headers=keys["ann"]).json()["data"][0]["id"] == job
    assert store.list(JobStatus.QUEUED, whose="bob").jobs == []


def test_a_rate_holds_over_all_replicas(replicas: tuple[Live, Live, Headers]) -> None:
    """As many calls as the key's rate says are answered by both replicas together, and each says how many remain."""
    *both, _ = replicas
    key = add_key(both[0].state["settings"].keys_path, "eve", "classify", rate="6/day")
    for replica in both:
        wait_until(lambda replica=replica: replica.client.get("/jobs", headers=key).status_code in {403, 429}, 10)
    answers = [both[number % 2].client.get("/models", headers=key) for number in range(10)]
    counted = [answer for answer in answers if answer.status_code == 200]
    remaining = [int(answer.headers["RateLimit"].partition("r=")[2].partition(";")[0]) for answer in counted]
    assert remaining == sorted(remaining, reverse=True)
    assert remaining[-1] == 0
    assert counted[0].headers["RateLimit-Policy"] == '"key";q=6;w=86400'
    assert [answer.status_code for answer in answers[len(counted) :]] == [429] * (10 - len(counted))
    assert 1 <= len(counted) <= 4  # two at least were spent on waiting


def test_who_waits_as_told_is_let_in(server: LiveRedis) -> None:
    """After the seconds that a refusal by Redis names, a call is let in."""

    async def wait() -> None:
        async with aclosing(RateLimiter(server.url, PATIENT)) as limiter:
            for who in ("one", "other"):
                while (verdict := await limiter.hit(who, Rate(3, 1))).allowed:
                    pass
                await asyncio.sleep(verdict.reset)
                assert (await limiter.hit(who, Rate(3, 1))).allowed

    asyncio.run(wait())


def test_nobody_waits_for_a_redis_that_hangs(server: LiveRedis, tmp_path: Path) -> None:
    """While Redis hangs calls are counted all the same, and all but the first few of them do not wait for it."""
    settings, _ = closed(tmp_path, redis_url=server.url, anonymous_rate="30/day", rate_wait_seconds=1)
    with live(settings) as service:
        assert service.client.get("/models/vgg16").status_code == 200
        with server.hung():
            wait_until(lambda: service.client.get("/models/vgg16") and service.authenticator._limiter._breaker.open, 10)
            with timed() as seconds:
                statuses = [service.client.post("/classify", files=PICTURE).status_code for _ in range(30)]
            assert set(statuses) == {200, 429}
            assert statuses == sorted(statuses)
            assert seconds() < 15  # 30 waits of a second for Redis would take 30 s

        def counts_again() -> bool:  # on a busy machine one call or another may still be too slow for it
            was_open = service.authenticator._limiter._breaker.open
            assert service.client.get("/models/vgg16").status_code in {200, 429}
            return not was_open and not service.authenticator._limiter._breaker.open

        wait_until(counts_again, 30)


def test_calls_are_counted_without_redis(tmp_path: Path) -> None:
    """Where Redis is away from the start, a rate holds in each replica."""
    settings, _ = closed(tmp_path, redis_url="redis://:secret@127.0.0.1:9/0", anonymous_rate="3/day")
    with ExitStack() as stack:
        for service in (stack.enter_context(live(settings)), stack.enter_context(live(settings))):
            statuses = [service.client.get("/models/vgg16").status_code for _ in range(5)]
            assert statuses == [200, 200, 200, 429, 429]


def test_rates_leave_nothing_behind(server: LiveRedis, tmp_path: Path) -> None:
    """What is counted in Redis expires by itself."""
    with live(
        Settings(data_dir=tmp_path, redis_url=server.url, anonymous_rate="3/minute", rate_wait_seconds=PATIENT)
    ) as api:
        assert api.client.get("/models").status_code == 200
    with server.client() as client:
        lifetimes = [client.pttl(key) for key in client.keys("bestguess:rate:*")]
    assert any(0 < milliseconds <= 120_000 for milliseconds in lifetimes)
    gone = -2  # the limiter's own probe, which lives a few seconds, may expire in between
    assert all(milliseconds == gone or 0 <= milliseconds <= 120_000 for milliseconds in lifetimes)
