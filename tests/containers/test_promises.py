"""What is promised of jobs, over the containers: cancelled, held up, given back, or with no room in Redis."""

import time

import httpx
from stack import BUSY, Stack, docker, whole
from waiting import wait_until

LONG = 100_000  # steps that take many minutes
STOP = "import os, signal; os.kill(-1, signal.SIGSTOP)"  # all but a container's first process, and this one


def test_a_job_is_cancelled(product: Stack) -> None:
    """A running job is cancelled within two seconds; the next one is not hit, and an id that nobody knows is a 404."""
    job_id = product.submit(steps=LONG)
    product.steps(job_id, 20)
    assert product.client.post(f"/jobs/{job_id}/cancel").status_code == httpx.codes.ACCEPTED
    wait_until(lambda: product.job(job_id).get("status") == "cancelled", 2 + BUSY)
    whole(product, product.submit(steps=60), 60)
    assert product.client.post(f"/jobs/{job_id}/cancel").status_code == httpx.codes.ACCEPTED
    assert product.job(job_id)["status"] == "cancelled"
    assert product.client.get(f"/jobs/job_{'0' * 28}").status_code == httpx.codes.NOT_FOUND


def test_a_worker_is_told_to_stop(product: Stack) -> None:
    """At SIGTERM a worker is out within its grace period, and its job goes on elsewhere, though no lease ran out."""
    steps = 600
    job_id = product.submit(steps=steps)
    product.steps(job_id, 100)
    worker = product.holder(job_id)
    docker("stop", worker.identity)
    assert worker.seen()["State"]["ExitCode"] != 137, "it was killed, for it did not end within Compose's grace period"
    docker("start", worker.identity)
    assert whole(product, job_id, steps)["attempt"] == 2
    retried = [event["data"]["reason"] for event in product.events(job_id) if event["type"] == "retried"]
    assert retried == ["worker-stopped"]


def test_workers_hang_and_are_killed(product: Stack) -> None:
    """Jobs that were queued while every worker hung, and was then killed, all run once workers are there again."""
    workers = product.containers("worker")
    for worker in workers:
        worker.run("python", "-c", STOP)
    jobs = [product.submit(steps=60) for _ in range(3)]
    for worker in workers:
        docker("kill", worker.identity)
    assert {product.job(job_id)["status"] for job_id in jobs} == {"queued"}
    for worker in workers:
        docker("start", worker.identity)
    for job_id in jobs:
        whole(product, job_id, 60)


def test_redis_is_full(product: Stack) -> None:
    """A Redis without room for 20 s is answered 503, photos are classified; with room the job that ran ends whole."""
    steps = 600
    job_id = product.submit(steps=steps)
    product.steps(job_id, 20)
    product.redis("CONFIG", "SET", "maxmemory", "1")
    try:
        end = time.monotonic() + 20
        while time.monotonic() < end:
            answer = product.client.post("/jobs/mnist-train", json={"steps": 60})
            assert answer.status_code == httpx.codes.SERVICE_UNAVAILABLE
            assert "Retry-After" in answer.headers
            assert product.classifies()
    finally:
        product.redis("CONFIG", "SET", "maxmemory", "512mb")
    whole(product, job_id, steps)
    whole(product, product.submit(steps=60), 60)
