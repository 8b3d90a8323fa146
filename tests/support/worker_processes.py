"""Worker processes with a real Redis, to be killed, stopped and restarted."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from bestguess.schemas.job_params import MnistParams
from bestguess.schemas.jobs import Job, JobStatus
from jobs.ids import new_job_id
from jobs.queue import MNIST_TRAIN, WORKER_COMMAND, celery_app, publish
from jobs.store import PREFIX
from support.processes import lives
from support.stores import FullStore
from support.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from celery import Celery

    from support.redis_server import LiveRedis

SHORT = {"steps": 60, "batch_size": 20, "report_every": 20, "seed": 1}
MEDIUM = {"steps": 240, "batch_size": 20, "report_every": 20, "seed": 1}  # some seconds, in which it can be killed
LONG = {"steps": 100_000, "batch_size": 10, "report_every": 10, "seed": 1}  # many minutes
BUSY = 5.0  # seconds that a promise is given beyond its time, as what it is about shares two cores
START = 300.0  # seconds in which a worker begins a job, even on a busy machine


@dataclass
class Workplace:
    """A Redis, a data folder, and the workers that share them."""

    redis: LiveRedis
    data_dir: Path
    mnist: Path
    log: Path | None = None  # where workers log to; None: with the test
    workers: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.store = FullStore(self.redis.url)
        self.queue = celery_app(self.redis.url)

    def start(self, **settings: object) -> subprocess.Popen[bytes]:
        """Start a worker in a process group of its own."""
        values = {
            "redis_url": self.redis.url,
            "data_dir": self.data_dir,
            "mnist": self.mnist,
            "checkpoint_seconds": 0.5,
            "worker_niceness": 0,  # tests run beside one another, and wait for it
        } | settings
        environment = os.environ | {f"BESTGUESS_{name.upper()}": str(value) for name, value in values.items()}
        environment["TF_NUM_INTRAOP_THREADS"] = "1"  # they have the cores for themselves neither, and spin as they wait
        with open(self.log, "ab") if self.log else contextlib.nullcontext() as log:  # noqa: PTH123 - or none
            self.workers.append(subprocess.Popen(WORKER_COMMAND, env=environment, stderr=log, start_new_session=True))
        return self.workers[-1]

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Stop the workers until the end of the block, as where they are busy: what is queued stays queued."""
        for worker in self.workers:
            os.killpg(worker.pid, signal.SIGSTOP)
        try:
            yield
        finally:
            for worker in self.workers:
                os.killpg(worker.pid, signal.SIGCONT)

    def submit(self, **params: object) -> str:
        """Record a job and tell the workers, as the API does."""
        job_id = new_job_id()
        asked = MnistParams.model_validate(params).model_dump(mode="json")
        asked["from_a_later_version"] = {"x": 1}  # as an API that was upgraded first may store it
        self.store.create(MNIST_TRAIN, asked, job_id=job_id, most_queued=100)
        publish(self.queue, MNIST_TRAIN, job_id)
        return job_id

    def job(self, job_id: str) -> Job:
        """Look at a job."""
        return self.store.get(job_id)

    def wait(self, job_id: str, *statuses: JobStatus, seconds: float = START) -> Job:
        """Wait until a job is in one of these states."""
        return wait_until(lambda: job if (job := self.job(job_id)).status in statuses else None, seconds, 0.05)

    def steps(self, job_id: str, least: int) -> Job:
        """Wait until a job has made so many steps."""
        return wait_until(lambda: job if (job := self.job(job_id)).progress.step >= least else None, START)

    def checkpoint(self, job_id: str) -> Path:
        """Wait until a job has a checkpoint, and return its place."""
        path = self.data_dir / "models" / f"{job_id}.checkpoint" / "checkpoint.npz"
        wait_until(path.exists, START)
        return path

    def idle(self) -> None:
        """Wait until a worker waits for its next job."""
        with self.redis.client() as client:
            wait_until(lambda: any(each["cmd"] == "brpop" for each in client.client_list()), START)

    def trainer(self, job_id: str) -> int:
        """Name the process that trains a job."""
        hold = wait_until(lambda: self.store.hold(job_id), START)
        return int(hold.owner.split(":")[1])

    def run_out(self, job_id: str) -> None:
        """Let the lease of a job whose worker was killed run out now, not up to 15 s later."""
        assert self.store._client.hset(f"{PREFIX}job:{job_id}", "lease_until", 0) == 0

    def shorten(self, job_id: str, checkpoint: Path | None = None, **params: int) -> None:
        """Give a job whose worker was killed less to do, in its record and in its checkpoint (None: the one here).

        So a job can be long enough for a kill in its middle, on any machine, and still come to its end.
        """
        key, path = f"{PREFIX}job:{job_id}", checkpoint or self.checkpoint(job_id)
        asked = json.loads(self.store._client.hget(key, "params") or "")
        self.store._client.hset(key, "params", json.dumps(asked | params))
        with np.load(path, allow_pickle=False) as file:
            arrays = dict(file)
        identity = json.loads(str(arrays["identity"]))  # has the parameters, too
        identity["params"] |= params
        np.savez(path, **(arrays | {"identity": np.array(json.dumps(identity, sort_keys=True))}))

    def end(self) -> None:
        """Kill every worker with all of its children."""
        for worker in self.workers:
            kill(worker)
        self.store.close()


def older(redis: LiveRedis) -> Celery:
    """Make the queue of versions that kept it in the next database."""
    queue = celery_app(f"{redis.url}?db=1")
    del queue.conf.broker_transport_options["global_keyprefix"]
    return queue


def kill(worker: subprocess.Popen[bytes]) -> None:
    """End a worker and all of its children as a loss of power would."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(worker.pid, signal.SIGKILL)
    worker.wait()
    wait_until(lambda: not lives(worker.pid), 10)


@contextlib.contextmanager
def timed(seconds: float) -> Iterator[None]:
    """Check that what is promised within a time happens within it, on a machine that other tests keep busy."""
    started = time.monotonic()
    yield
    assert time.monotonic() - started < seconds + BUSY


def small_mnist(path: Path) -> Path:
    """Write a file in the shape of mnist.npz: each digit a bright bar in a place of its own, with noise."""
    random = np.random.default_rng(0)
    arrays = {}
    for part, count in (("train", 500), ("test", 100)):
        labels = random.integers(0, 10, count).astype(np.uint8)
        images = random.integers(0, 60, (count, 28, 28)).astype(np.uint8)
        for image, label in zip(images, labels, strict=True):
            image[2 + 2 * label : 5 + 2 * label, 4:24] = 230
        arrays |= {f"x_{part}": images, f"y_{part}": labels}
    np.savez(path, **arrays)
    return path


def assert_whole(job: Job, steps: int) -> None:
    """Check that the history goes forward, to the end, with one result."""
    seen = [entry.step for entry in job.history]
    assert seen == sorted(set(seen))
    assert seen[-1] == steps
    assert job.status is JobStatus.SUCCEEDED
    assert job.result is not None
    assert job.error is None
