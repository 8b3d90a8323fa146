"""The product under `docker compose up`: containers to stop, kill, pause and disconnect by name."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import httpx

from support.load_clients import PHOTO
from support.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

ROOT = Path(__file__).parents[2]
FILES = "docker-compose.yml:tests/containers/compose.test.yml"  # for COMPOSE_FILE
DONE = {"succeeded", "failed", "cancelled"}
START = 600.0  # seconds in which a replica gets ready, on a machine that is slow and busy
TRAIN = 600.0  # seconds for a training, with its worker's start
BUSY = 30.0  # seconds that a promise is given beyond its time, on such a machine
LEASE = 15.0  # seconds, `worker.lease.LEASE_SECONDS`
LOOK = 0.2  # seconds between two looks: what is asked here takes the processor from what is waited for

Answer = TypeVar("Answer")


def docker(*words: str, check: bool = True) -> str:
    """Run docker, and return what it prints."""
    return _run(("docker", *words), os.environ, check=check)


def until(condition: Callable[[], Answer], seconds: float) -> Answer:
    """Wait for a condition of the containers, and return its answer."""
    return wait_until(condition, seconds, LOOK)


@dataclass(frozen=True)
class Stack:
    """One project of Compose, and a client that talks to its proxy."""

    command: tuple[str, ...]
    environment: Mapping[str, str]
    client: httpx.Client

    def compose(self, *words: str) -> str:
        """Run Compose on this project."""
        return _run((*self.command, *words), self.environment)

    def start(self, **scale: int) -> None:
        """Start the product with so many replicas of each, and wait until all are ready."""
        self.compose(
            "up", "--detach", *(word for service, count in scale.items() for word in ("--scale", f"{service}={count}"))
        )
        self.all_ready()

    def new_key(self, name: str, *scopes: str, rate: str = "1000/second") -> str:
        """Make an API key, as docs/keys.md says; where the API runs, in its container."""
        words = ["keys", "create", name, "--rate", rate, *(word for scope in scopes for word in ("--scope", scope))]
        if running := self.containers("api"):
            return running[0].run("bestguess", *words).strip()
        return self.compose("run", "--rm", "-T", "api", *words).strip()

    def set_clock(self, seconds: float) -> None:
        """Let the clock of a Redis with clock.test.yml differ from this machine's from now on."""
        path = Path(self.environment["TEST_FOLDER"], "clock", "offset")
        new = path.with_suffix(".new")
        new.write_text(f"{seconds:+g}\n")
        new.replace(path)

    def upgrade(self) -> None:
        """Replace what runs, as docs/operations.md says."""
        _run(("sh", "deploy/upgrade.sh"), self.environment)

    @property
    def project(self) -> str:
        """Its name, with which the names of its networks and volumes begin."""
        return self.environment["COMPOSE_PROJECT_NAME"]

    def containers(self, service: str) -> list[Container]:
        """Its replicas, running or not."""
        mine = [f"label=com.docker.compose.project={self.project}", f"label=com.docker.compose.service={service}"]
        shown = ("--all", "--no-trunc", "--format", "{{.ID}} {{.Names}}", *(f"--filter={label}" for label in mine))
        found = (line.split() for line in docker("ps", *shown).splitlines())
        return sorted((Container(identity, name) for identity, name in found), key=lambda each: each.name)

    def networks(self) -> list[str]:
        """Name its networks."""
        return [f"{self.project}_edge", f"{self.project}_inside"]

    def redis(self, *words: str) -> str:
        """Ask its Redis."""
        script = 'REDISCLI_AUTH=$(cat /run/bestguess/redis-password) exec redis-cli "$@"'
        return self.containers("redis")[0].run("sh", "-c", script, "redis-cli", *words).strip()

    def classifies(self) -> bool:
        """Send a photo, and say whether it was answered."""
        with contextlib.suppress(httpx.TransportError):
            return self.client.post("/classify", files={"file": PHOTO}).is_success
        return False

    def submit(self, **params: object) -> str:
        """Queue a training through the proxy."""
        answer = self.client.post("/jobs/mnist-train", json={"seed": 1, "batch_size": 10, "report_every": 20} | params)
        assert answer.status_code == httpx.codes.ACCEPTED, answer.text
        return str(answer.json()["id"])

    def job(self, job_id: str) -> dict[str, Any]:
        """Look at a job; {} while nobody answers."""
        try:
            answer = self.client.get(f"/jobs/{job_id}")
        except httpx.TransportError:
            return {}
        return dict(answer.json()) if answer.is_success else {}

    def steps(self, job_id: str, least: int) -> dict[str, Any]:
        """Wait until a job has reported so many steps."""

        def there() -> dict[str, Any] | None:
            job = self.job(job_id)
            return job if job and job["progress"]["step"] >= least else None

        return until(there, TRAIN) or {}

    def ended(self, job_id: str) -> dict[str, Any]:
        """Wait until a job is over."""
        return until(lambda: job if (job := self.job(job_id)).get("status") in DONE else None, TRAIN) or {}

    def events(self, job_id: str) -> list[dict[str, Any]]:
        """Ask for all that happened to a job, in order."""
        found: list[dict[str, Any]] = []
        more = True
        while more:
            after = {"after": found[-1]["id"]} if found else {}
            page = self.client.get(f"/jobs/{job_id}/events", params=after).json()
            found, more = found + page["data"], page["has_more"]
        return found

    def holder(self, job_id: str) -> Container:
        """Find the worker that has a job."""
        host = self.redis("HGET", f"bestguess:job:{job_id}", "owner").partition(":")[0]
        return next(each for each in self.containers("worker") if each.identity.startswith(host))

    def all_ready(self) -> None:
        """Wait until every replica is ready, and the proxy has seen it."""
        for api in self.containers("api"):
            until(lambda api=api: api.status("/readyz") == httpx.codes.OK, START)  # type: ignore[misc]
        until(self.classifies, START)


@dataclass(frozen=True)
class Container:
    """One container."""

    identity: str
    name: str

    def seen(self) -> dict[str, Any]:
        """Return what docker knows of it."""
        return dict(json.loads(docker("inspect", self.identity))[0])

    def run(self, *words: str, check: bool = True) -> str:
        """Run something in it."""
        return docker("exec", self.identity, *words, check=check)

    def logs(self) -> str:
        """All that it said."""
        words = ("docker", "logs", self.identity)
        return subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=True).stdout

    def addresses(self) -> list[str]:
        """Where it is, in its networks."""
        networks = self.seen()["NetworkSettings"]["Networks"].values()
        return [network["IPAddress"] for network in networks if network["IPAddress"]]

    def connection(self) -> socket.socket:
        """Connect to the service in it, past the proxy."""
        return socket.create_connection((self.addresses()[0], 8000), timeout=START)

    def status(self, path: str) -> int:
        """Ask it past the proxy; 0 where nobody answers."""
        for address in self._known:
            with contextlib.suppress(httpx.TransportError):
                return httpx.get(f"http://{address}:8000{path}", timeout=10).status_code
        self.__dict__.pop("_known", None)  # once it runs again it may have another
        return 0

    @cached_property
    def _known(self) -> list[str]:
        return self.addresses()


def whole(product: Stack, job_id: str, steps: int) -> dict[str, Any]:
    """Wait for a job's end, and check that its history goes forward, to the end, with one result."""
    job = product.ended(job_id)
    assert (job["status"], job["error"]) == ("succeeded", None)
    seen = [entry["step"] for entry in job["history"]]
    assert seen == list(range(20, steps + 1, 20))
    assert [event["type"] for event in product.events(job_id)].count("succeeded") == 1
    return job


@contextlib.contextmanager
def project(command: tuple[str, ...], environment: Mapping[str, str]) -> Iterator[Stack]:
    """Have a project for a block, to be started there, and remove all of it but its image after the block."""
    url = f"http://{environment['BESTGUESS_ADDRESS']}:{environment['BESTGUESS_PORT']}"
    with httpx.Client(base_url=url, timeout=60) as client:
        made = Stack(command, environment, client)
        try:
            yield made
        finally:
            # Killed, not stopped: how they end is not asked here, and their grace periods would be waited for.
            mine = docker("ps", "--all", "--quiet", f"--filter=label=com.docker.compose.project={made.project}").split()
            docker("rm", "--force", "--volumes", *mine, check=False)
            made.compose("down", "--volumes")


def _run(words: tuple[str, ...], environment: Mapping[str, str], *, check: bool = True) -> str:
    done = subprocess.run(words, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert not check or done.returncode == 0, f"{' '.join(words)}: {done.stdout}{done.stderr}"
    return done.stdout
