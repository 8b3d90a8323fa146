"""The one clock that jobs go by, Redis's, jumps an hour forth and back: nothing is lost or stands still."""

import time

from support.compose_stack import BUSY, LEASE, START, Stack, docker, until, whole
from support.load_clients import Photos

HOUR = 3600.0


def jump(product: Stack, seconds: float) -> None:
    """Set Redis's clock so far from this machine's, and wait until it has it."""
    product.set_clock(seconds)
    until(lambda: abs(float(product.redis("TIME").split()[0]) - time.time() - seconds) < HOUR / 2, START)


def test_the_clock_jumps(product: Stack) -> None:
    """While a job runs, the clock jumps an hour on and back: the job ends with one result, photos are answered."""
    steps = 1500
    job_id = product.submit(steps=steps)
    product.steps(job_id, 20)
    headers = {"Authorization": product.client.headers["Authorization"]}
    with Photos(str(product.client.base_url), headers) as photos:
        jump(product, HOUR)
        seen = product.steps(job_id, 0)["progress"]["step"]
        product.steps(job_id, min(seen + 40, steps))
        jump(product, 0)
        later = product.submit(steps=60)
        whole(product, job_id, steps)
    assert photos.failed == []
    whole(product, later, 60)


def test_the_clock_goes_back_as_a_worker_dies(product: Stack) -> None:
    """A job whose worker dies just before the clock goes back an hour is taken over as soon as any other."""
    jump(product, HOUR)
    steps = 800  # which take longer than to find and kill the worker
    job_id = product.submit(steps=steps)
    product.steps(job_id, 20)
    worker = product.holder(job_id)
    try:
        docker("kill", worker.identity)
        jump(product, 0)
        until(lambda: product.job(job_id).get("attempt") == 2, 2 * LEASE + BUSY)
    finally:
        docker("start", worker.identity)
    assert whole(product, job_id, steps)["attempt"] == 2
