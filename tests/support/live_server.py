"""The real HTTP server with fake networks: no TensorFlow, but real bytes on a real socket."""

import asyncio
import contextlib
import os
import socket
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from email.message import Message
from http.client import HTTPResponse
from pathlib import Path

import httpx

from app.access.auth import Authenticator
from app.dependencies import State
from app.inference.classifier import Networks
from app.main import Resources, make_sandbox, make_state
from app.serve import server
from app.services.jobs import open_job_service
from app.settings import Settings
from jobs.telemetry.tracing import Tracing
from support.fake_networks import DummyRunner
from support.ports import free_port
from support.waiting import COSTLY, wait_until
from vision.networks.weights import FoundWeights

TESTS = Path(__file__).parents[1]  # where a process finds `support`
NO_MIRROR = "http://127.0.0.1:9"  # the discard port: refused at once


class Inside:
    """What only the server's thread knows: its loop, and the state that it made."""

    loop: asyncio.AbstractEventLoop
    state: State
    authenticator: Authenticator


class Live:
    """A running service: `client` talks to it, `runner` is VGG16's dummy, `networks` is what it serves with."""

    def __init__(self, client: httpx.Client, runner: DummyRunner, networks: Networks, inside: Inside) -> None:
        self.client, self.runner, self.networks, self._inside = client, runner, networks, inside

    @property
    def state(self) -> State:
        """What the routes are given."""
        return self._inside.state

    @property
    def authenticator(self) -> Authenticator:
        """Who lets callers in."""
        return self._inside.authenticator

    def drain(self) -> None:
        """Do what the signal's handler does."""
        self._inside.loop.call_soon_threadsafe(self._inside.state["draining"].begin)


@contextlib.contextmanager
def served(
    settings: Settings, resources: Resources, inside: Inside | None = None, tracing: Tracing | None = None
) -> Iterator[httpx.Client]:
    """Serve `resources` on a free port until the end of the block."""
    uvicorn = server(settings, resources, tracing)
    if inside:
        inside.authenticator = uvicorn.config.app.state.authenticator  # type: ignore[union-attr]
    uvicorn.config.port = 0
    thread = threading.Thread(target=uvicorn.run, daemon=True)
    thread.start()
    wait_until(lambda: uvicorn.started, 120)
    port = uvicorn.servers[0].sockets[0].getsockname()[1]
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30) as client:
            yield client
    finally:
        uvicorn.should_exit = True
        thread.join(60)


@contextlib.contextmanager
def live(settings: Settings, *, ready: bool = True, tracing: Tracing | None = None) -> Iterator[Live]:
    """Serve dummy networks until the end of the block."""
    networks, runner, inside = Networks(settings), DummyRunner(), Inside()
    if ready:
        networks.primary.serve(runner, FoundWeights(None, "random", None, verified=False, size=None))

    @contextlib.asynccontextmanager
    async def resources(_: Settings) -> AsyncIterator[State]:
        async with open_job_service(settings) as job_service:
            with (
                contextlib.closing(networks),
                contextlib.closing(make_sandbox(settings)) as sandbox,
                make_state(settings, networks, sandbox, job_service) as state,
            ):
                inside.loop, inside.state = asyncio.get_running_loop(), state
                yield state

    with served(settings, resources, inside, tracing) as client:
        try:
            yield Live(client, runner, networks, inside)
        finally:
            runner.go.set()


@contextlib.contextmanager
def without_decoders(running: Live) -> Iterator[None]:
    """Let each of a service's decode processes end, and as soon as it starts, until the end of the block."""
    decoders = running.state["classifier"]._sandbox._decoders
    for decoder in decoders:
        decoder.program = ("-c", "raise SystemExit(1)")
        decoder._process.kill()
    try:
        yield
    finally:
        for decoder in decoders:
            del decoder.program


def answers(client: httpx.Client) -> bool:
    """Say whether the event loop answers."""
    try:
        return client.get("/healthz").status_code == 200
    except httpx.TransportError:
        return False


def read_answer(connection: socket.socket) -> tuple[int, Message]:
    """Read one whole answer, in however many packets it comes; return its status and its headers."""
    with HTTPResponse(connection) as response:
        response.begin()
        response.read()
        return response.status, response.headers


def ready(client: httpx.Client, seconds: float = 120) -> httpx.Response:
    """Wait until the service is ready, and return what it says then."""
    return wait_until(
        lambda: response if (response := client.get("/readyz")).status_code == 200 else None, seconds, COSTLY
    )


class Serve:
    """Starts the API process with settings, and ends it after the block; `process` is the newest."""

    process: subprocess.Popen[bytes]

    def __init__(self, folder: Path, *command: str) -> None:
        self._folder = folder
        self._command = command or ("-m", "app.serve")

    @contextlib.contextmanager
    def __call__(self, **settings: object) -> Iterator[httpx.Client]:
        """Serve until the end of the block."""
        port = free_port()
        values = {"data_dir": self._folder, "port": port, "mirror": NO_MIRROR, "precision": "float32"} | settings
        environment = os.environ | {"KERAS_HOME": str(self._folder / "keras"), "PYTHONPATH": str(TESTS)}
        environment |= {f"BESTGUESS_{name.upper()}": str(value) for name, value in values.items()}
        self.process = subprocess.Popen([sys.executable, *self._command], env=environment)
        try:
            with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60) as client:
                wait_until(lambda: answers(client), 120)
                yield client
        finally:
            self.process.terminate()
            self.process.wait(60)
