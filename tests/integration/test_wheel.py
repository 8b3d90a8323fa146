"""The built wheel alone in a bare environment: the client and the command line, without the service's packages."""

from __future__ import annotations

import importlib.metadata
import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from support.command_line import Desk

ROOT = Path(__file__).parents[2]
UV = str(Path(sys.executable).with_name("uv"))
VERSIONS = [(3, minor) for minor in range(11, 20)]
SERVICE = {
    "celery",
    "fastapi",
    "h5py",
    "keras",
    "numpy",
    "pillow",
    "redis",
    "s3fs",
    "tensorflow",
    "tensorflow-cpu",
    "uvicorn",
}
UNREACHABLE = ("dns error", "error sending request", "Could not connect", "Network unreachable")
PROGRAM = """
import asyncio
from bestguess import AsyncClient, BestGuessError, Client

with Client() as client:
    print(client.ready().status)
    print(client.classify("photo.jpg", top_k=3).predictions[0].label)
    print(sorted(model.id for model in client.models().data if model.trained is None))
    job = client.wait(client.train(steps=2, batch_size=20, report_every=1, seed=1).id, timeout=120)
    print(job.status.value, [event.type for event in client.events(job.id)][-1])
    try:
        client.classify(b"no picture")
    except BestGuessError as error:
        print(type(error).__name__)

async def ask():
    async with AsyncClient() as client:
        return await client.classify("photo.jpg", top_k=1)

print(asyncio.run(ask()).predictions[0].label)
"""


def pythons() -> dict[tuple[int, int], str]:
    """Find interpreters on the PATH and of pyenv that can run the client, by their version."""
    found = {sys.version_info[:2]: sys.executable}
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    for major, minor in VERSIONS:
        name = f"python{major}.{minor}"
        for path in (shutil.which(name), *sorted(pyenv.glob(f"{major}.{minor}.*/bin/{name}"))):
            # A shim of pyenv is on the PATH for versions that are not chosen, and fails.
            if path and subprocess.run([path, "-c", "import ssl"], capture_output=True, check=False).returncode == 0:
                found.setdefault((major, minor), str(path))
    return found


@dataclass(frozen=True)
class Bare:
    """An environment that has only the wheel, and a folder with foreign packages of the names of ours."""

    bin: Path
    folder: Path
    environment: dict[str, str]

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Run a program of the environment in the folder."""
        words = [str(self.bin / command[0]), *command[1:]]
        return subprocess.run(
            words, cwd=self.folder, env=self.environment, capture_output=True, text=True, check=False, timeout=240
        )

    def json(self, *arguments: str) -> Any:  # noqa: ANN401 - whatever a command prints
        """Run a command of the command line and return its JSON."""
        done = self.run("bestguess", *arguments, "--json")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel with the locked build tools."""
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    (built,) = folder.glob("*.whl")
    return built


def requirements(wheel: Path) -> list[str]:
    """Read what the wheel requires without any extra."""
    (distribution,) = importlib.metadata.distributions(path=[str(wheel)])
    return [text for text in distribution.requires or [] if "extra ==" not in text]


def install(wheel: Path, python: str, folder: Path, options: Sequence[str]) -> Path:
    """Install the wheel into a new environment; return the folder of its programs."""
    subprocess.run([UV, "venv", "--quiet", "--python", python, str(folder)], check=True, capture_output=True)
    command = [UV, "pip", "install", "--quiet", "--python", str(folder), *options, str(wheel)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if any(sign in done.stderr for sign in UNREACHABLE):
        pytest.skip("the package registry cannot be reached")
    assert done.returncode == 0, done.stderr
    return folder / "bin"


# The newest releases on the newest Python, and the oldest that the wheel allows on the oldest Python.
@pytest.fixture(scope="module", params=["newest", "oldest"])
def bare(request: pytest.FixtureRequest, wheel: Path, desk: Desk, tmp_path_factory: pytest.TempPathFactory) -> Bare:
    """Install the wheel, and lay foreign packages beside the pictures."""
    found = pythons()
    python = found[max(found) if request.param == "newest" else min(found)]
    options = () if request.param == "newest" else ("--resolution", "lowest-direct", *requirements(wheel))
    programs = install(wheel, python, tmp_path_factory.mktemp("environment") / "bare", options)
    folder = tmp_path_factory.mktemp("project")
    for package in ("app", "jobs", "vision", "worker"):
        (folder / package).mkdir()
        (folder / package / "__init__.py").write_text(
            f"raise RuntimeError('the foreign package {package} is imported')\n"
        )
    for name in ("photo.jpg", "seven.png"):
        shutil.copy(desk.folder / name, folder)
    shutil.copytree(desk.folder / "pets", folder / "pets")
    (folder / "ask.py").write_text(PROGRAM)
    ours = ("PYTHON", "BESTGUESS_", "VIRTUAL_ENV")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    return Bare(programs, folder, kept | {"BESTGUESS_URL": desk.environment["BESTGUESS_URL"]})


def test_only_the_client_is_installed(bare: Bare) -> None:
    """The wheel brings nothing of the service."""
    code = "import importlib.metadata as m; print(*sorted(d.name.lower() for d in m.distributions()))"
    installed = set(bare.run("python", "-c", code).stdout.split())
    assert {"bestguess", "httpx", "pydantic", "rich", "typer"} <= installed
    assert not installed & SERVICE


def test_the_client_beside_foreign_packages(bare: Bare) -> None:
    """A program in a folder that has packages `app`, `jobs`, `vision` and `worker` of its own uses both clients."""
    done = bare.run("python", "ask.py")
    assert done.returncode == 0, done.stderr
    ready, label, models, job, error, again = done.stdout.splitlines()
    assert (ready, label, job, error) == ("ready", again, "succeeded succeeded", "InvalidImage")
    assert "vgg16" in models


def test_commands_beside_foreign_packages(bare: Bare) -> None:
    """Commands that talk to a service work, typed as `bestguess` and as `python -m bestguess`."""
    assert len(bare.json("classify", "photo.jpg", "--top-k", "3")["predictions"]) == 3
    lines = bare.run("bestguess", "classify", "pets/cats", "pets/dogs", "--json")
    assert [lines.returncode, len(lines.stdout.splitlines())] == [0, 10]
    done = bare.run("bestguess", "train", "--steps", "2", "--batch-size", "20", "--report-every", "1", "--watch")
    assert done.returncode == 0, done.stderr
    assert "succeeded" in done.stdout
    dataset = bare.json("datasets", "create", "pets")
    assert [each["name"] for each in dataset["classes"]] == ["cats", "dogs"]
    for words in ("models list", "jobs list", "datasets list", "classify photo.jpg", "--version"):
        for program in (("bestguess",), ("python", "-m", "bestguess")):
            done = bare.run(*program, *words.split())
            assert (done.returncode, done.stderr) == (0, "")
            assert done.stdout
    done = bare.run("bestguess", "digit", "seven.png")
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("command", "extra"),
    [
        (("up",), "cpu"),
        (("api",), "cpu"),
        (("worker",), "cpu"),
        (("keys", "list"), "server"),
        (("weights", "status"), "server"),
        (("doctor",), "server"),
    ],
)
def test_commands_of_the_service(bare: Bare, command: tuple[str, ...], extra: str) -> None:
    """A command that needs the service says in one line what to install, and its help is there."""
    done = bare.run("bestguess", *command)
    assert (done.returncode, done.stdout) == (1, "")
    (line,) = done.stderr.splitlines()
    assert line.startswith("bestguess")
    assert f'pip install "bestguess[{extra}]"' in line
    assert "Usage" in bare.run("bestguess", *command, "--help").stdout
