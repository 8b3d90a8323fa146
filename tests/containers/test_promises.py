"""What is promised of jobs, over the containers: held up, given back, or with no room in Redis."""

import time

import httpx

from support.compose_stack import BUSY, LEASE, Stack, docker, until, whole

STOP = "import os, signal; os.kill(-1, signal.SIGSTOP)"  # all but a container's first process, and this one


def test_a_worker_is_told_to_stop(product: Stack) -> None:
    """At SIGTERM a worker is out within its grace period, and its job goes on elsewhere, though no lease ran out."""
    steps = 800  # which take longer than to find and stop the worker
    job_id = product.submit(steps=steps)
    product.steps(job_id, 20)
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
    identities = [worker.identity for worker in workers]
    docker("kill", *identities)
    for job_id in jobs:
        until(lambda job_id=job_id: product.job(job_id).get("status") == "queued", BUSY)  # type: ignore[misc]
    docker("start", *identities)
    for job_id in jobs:
        whole(product, job_id, 60)


def test_redis_is_full(product: Stack) -> None:
    """While Redis is full, longer than a lease, jobs are answered 503 and photos as ever; then the job ends whole."""
    steps = 600  # which take longer than to fill it
    job_id = product.submit(steps=steps)
    product.steps(job_id, 20)
    product.redis("CONFIG", "SET", "maxmemory", "1")
    try:
        end = time.monotonic() + LEASE + 1
        while time.monotonic() < end:
            answer = product.client.post("/jobs/mnist-train", json={"steps": 60})
            assert answer.status_code == httpx.codes.SERVICE_UNAVAILABLE
            assert "Retry-After" in answer.headers
            assert product.classifies()
    finally:
        product.redis("CONFIG", "SET", "maxmemory", "512mb")
    whole(product, job_id, steps)
    whole(product, product.submit(steps=60), 60)
