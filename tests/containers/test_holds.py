"""What is promised to those who rely on it, over the containers: restarted, killed, hung, cut off, or full."""

import threading
import time

import httpx

from support.compose_stack import BUSY, LEASE, START, TRAIN, Container, Stack, docker, until, whole
from support.load_clients import PHOTO, Photos, Viewer

LONG = 100_000  # steps that take many minutes


HEAD = b"POST /classify HTTP/1.1\r\nHost: localhost\r\nContent-Type: image/png\r\nContent-Length: %d\r\n\r\n" % len(
    PHOTO
)


def test_upgrade(product: Stack) -> None:
    """Replicas and workers replaced one by one, under load and with a viewer, fail no request and lose no event."""
    before = {each.identity for service in ("api", "worker") for each in product.containers(service)}
    url = str(product.client.base_url)
    job_id = product.submit(steps=LONG)
    with Photos(url) as first, Photos(url) as second, Viewer(url, job_id) as viewer:
        until(lambda: "progress" in {event["event"] for event in viewer.events}, TRAIN)  # as it happens
        product.upgrade()
        product.all_ready()
        assert product.client.post(f"/jobs/{job_id}/cancel").is_success
        viewer.join(TRAIN)
    assert (first.failed, second.failed, viewer.refused) == ([], [], [])
    assert min(first.answered, second.answered) > 10
    after = {each.identity for service in ("api", "worker") for each in product.containers(service)}
    assert (len(after), before & after) == (4, set())
    assert viewer.streams > 1
    ids = [event["id"] for event in viewer.events]
    assert ids == [event["id"] for event in product.events(job_id)]
    assert viewer.events[-1]["event"] == "cancelled"


def test_sigterm(product: Stack) -> None:
    """At SIGTERM a replica is not ready at once, answers what is under way or still comes, and is out in its time."""
    api = product.containers("api")[0]
    stopping = threading.Thread(target=docker, args=("stop", api.identity))
    with Photos(str(product.client.base_url)) as photos, api.connection() as upload:
        upload.sendall(HEAD + PHOTO[:1000])
        stopping.start()
        until(lambda: api.status("/readyz") == httpx.codes.SERVICE_UNAVAILABLE, BUSY)
        assert api.status("/healthz") == httpx.codes.OK
        upload.sendall(PHOTO[1000:])
        assert upload.recv(1000).startswith(b"HTTP/1.1 200 "), "it was in flight"
        stopping.join()
    assert photos.failed == []
    assert api.seen()["State"]["ExitCode"] != 137, "it was killed, for it did not end within its grace period"
    assert product.classifies()
    docker("start", api.identity)


def test_a_replica_is_killed(product: Stack) -> None:
    """After kill -9 of a replica the other one answers at once, and the killed one comes back by itself."""
    api = product.containers("api")[0]
    before = api.seen()["RestartCount"]
    api.run("python", "-c", "import os; os.kill(-1, 9)", check=False)  # the container may end before this does
    until(product.classifies, 2 + BUSY)
    with Photos(str(product.client.base_url)) as photos:
        until(lambda: api.seen()["RestartCount"] > before and api.status("/readyz") == httpx.codes.OK, START)
    assert photos.failed == []


def test_a_worker_and_then_redis_are_killed(product: Stack) -> None:
    """A job whose worker is killed goes on elsewhere, and outlives a Redis killed as well, as do those that waited."""
    steps = 800  # which take longer than to find and kill the worker
    job_id = product.submit(steps=steps)
    product.steps(job_id, 20)
    worker = product.holder(job_id)
    product.steps(job_id, 100)
    docker("kill", worker.identity)
    until(lambda: product.job(job_id).get("attempt") == 2, LEASE * 2 + BUSY)
    waiting = [product.submit(steps=60) for _ in range(2)]
    redis = product.containers("redis")[0]
    docker("kill", redis.identity)
    assert product.classifies()
    docker("start", redis.identity, worker.identity)
    assert whole(product, job_id, steps)["attempt"] == 2
    for each in waiting:
        whole(product, each, 60)


def test_redis_is_paused(product: Stack) -> None:
    """While Redis is paused for longer than a lease jobs are answered 503 in time, photos as ever; then all goes on."""
    redis = product.containers("redis")[0]
    steps = 600  # which take longer than to pause it
    job_id = product.submit(steps=steps)
    product.steps(job_id, 20)
    docker("pause", redis.identity)
    try:
        end = time.monotonic() + LEASE + 1
        while time.monotonic() < end:
            assert product.classifies()
            started = time.monotonic()
            answer = product.client.get(f"/jobs/{job_id}")
            assert answer.status_code == httpx.codes.SERVICE_UNAVAILABLE
            assert "Retry-After" in answer.headers
            assert time.monotonic() - started < 5 + BUSY
    finally:
        docker("unpause", redis.identity)
    until(lambda: product.job(job_id), BUSY)
    whole(product, job_id, steps)


def test_a_worker_is_cut_off(product: Stack) -> None:
    """A worker cut off in the middle of a job loses it to the other one; what it says once it is back is refused.

    The job is cancelled then, within two seconds, and stays so; the next one is not hit.
    """
    job_id = product.submit(steps=LONG)
    product.steps(job_id, 20)
    cut = product.holder(job_id)
    cut_off(product, cut)
    try:
        until(lambda: product.job(job_id).get("attempt") == 2, LEASE * 2 + BUSY)
        other = product.holder(job_id)
        assert other != cut
    finally:
        for network in product.networks():
            docker("network", "connect", network, cut.identity)
    until(lambda: "another worker has it now" in cut.logs(), 60 + BUSY)
    product.steps(job_id, product.steps(job_id, 0)["progress"]["step"] + 40)
    assert product.holder(job_id) == other
    assert product.client.post(f"/jobs/{job_id}/cancel").status_code == httpx.codes.ACCEPTED
    until(lambda: product.job(job_id).get("status") == "cancelled", 2 + BUSY)
    whole(product, product.submit(steps=60), 60)
    assert product.client.post(f"/jobs/{job_id}/cancel").status_code == httpx.codes.ACCEPTED
    job = product.job(job_id)
    assert (job["status"], job["attempt"]) == ("cancelled", 2)
    seen = [entry["step"] for entry in job["history"]]
    assert seen == list(range(20, seen[-1] + 1, 20)), "both have written, or what the first could not tell is lost"


def cut_off(product: Stack, container: Container) -> None:
    """Take a container out of its networks, while it runs."""
    for network in product.networks():
        docker("network", "disconnect", network, container.identity)
