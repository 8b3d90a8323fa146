"""What containers are given agrees with the service; what they do is in tests/containers."""

import os
import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml

from app.serve import GRACE
from app.settings import Settings
from jobs.settings import WorkerSettings

ROOT = Path(__file__).parents[2]
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
OPERATIONS = (ROOT / "docs" / "operations.md").read_text()
SETTINGS = {f"BESTGUESS_{name.upper()}" for name in Settings.model_fields | WorkerSettings.model_fields}


def test_compose_gives_settings_that_there_are() -> None:
    """Each variable of ours that a container is given is a setting."""
    given = {name for service in COMPOSE["services"].values() for name in service.get("environment", ())}
    assert given
    assert given <= SETTINGS


def test_variables_of_compose_are_documented() -> None:
    """Each variable that docker-compose.yml reads is in docs/operations.md, in full or by its end."""
    text = (ROOT / "docker-compose.yml").read_text() + (ROOT / "docker-compose.gpu.yml").read_text()
    for name in set(re.findall(r"\$\{(\w+)", text)):
        assert f"`{name}`" in OPERATIONS or f"`{name.removeprefix('BESTGUESS')}`" in OPERATIONS, name


def most(name: str) -> float:
    """Return the most that a setting can be."""
    (bound,) = (each.le for each in Settings.model_fields[name].metadata if hasattr(each, "le"))
    return float(bound)


def test_nothing_in_front_is_shorter_than_a_setting() -> None:
    """Whatever a data set's time, or that of draining, is set to: neither proxy nor Docker is through before."""
    proxy = (ROOT / "deploy" / "haproxy" / "haproxy.cfg").read_text()
    (seconds,) = re.findall(r"set-timeout server (\d+)s if { path_beg /datasets }", proxy)
    assert int(seconds) > most("dataset_seconds")
    annotations = yaml.safe_load((ROOT / "deploy" / "kubernetes" / "base" / "ingress.yaml").read_text())["metadata"][
        "annotations"
    ]
    assert int(annotations["nginx.ingress.kubernetes.io/proxy-read-timeout"]) > most("dataset_seconds")
    assert annotations["nginx.ingress.kubernetes.io/proxy-body-size"] == "0"
    assert int(COMPOSE["services"]["api"]["stop_grace_period"].removesuffix("s")) > most("drain_seconds") + GRACE


@pytest.mark.parametrize(
    ("deadline", "seconds"), [(None, "60"), ("300", "330"), ("0.5", "30"), ("08", "38"), ("1e2", "130")]
)
def test_the_proxy_waits_longer_than_the_api(tmp_path: Path, deadline: str | None, seconds: str) -> None:
    """The proxy's time for an answer is that of the API, which both are given, and half a minute more."""
    (tmp_path / "haproxy").write_text('#!/bin/sh\necho "$BESTGUESS_PROXY_SECONDS"\n')
    (tmp_path / "haproxy").chmod(0o755)
    given = {} if deadline is None else {"BESTGUESS_DEADLINE_SECONDS": deadline}
    environment = {"PATH": f"{tmp_path}:{os.environ['PATH']}"} | given
    script = ROOT / "deploy" / "haproxy" / "start.sh"
    assert subprocess.check_output([shutil.which("sh") or "sh", script], text=True, env=environment).strip() == seconds
    services = COMPOSE["services"]
    name = "BESTGUESS_DEADLINE_SECONDS"
    assert services["api"]["environment"][name] == services["proxy"]["environment"][name]


def test_images_are_pinned() -> None:
    """Each image is a variable with a default that names its version, and the Dockerfile has the same one."""
    defaults = dict(re.findall(r"\$\{(\w+_IMAGE):-([^}]+)\}", (ROOT / "docker-compose.yml").read_text()))
    assert defaults.keys() == {"PYTHON_IMAGE", "REDIS_IMAGE", "PROXY_IMAGE", "BESTGUESS_IMAGE"}
    assert all(re.fullmatch(r"\w+:(\d+\.\d+-[\w-]+|cpu)", image) for image in defaults.values())
    assert f"ARG PYTHON_IMAGE={defaults['PYTHON_IMAGE']}\n" in (ROOT / "Dockerfile").read_text()


def test_no_two_containers_fill_a_volume_at_once() -> None:
    """Docker fills an empty volume from the image, and fails where two do so at once: only `setup` ever does."""
    made = set(re.search(r"mkdir -p ([^;]+);", (ROOT / "Dockerfile").read_text())[1].split())  # type: ignore[index]
    services = COMPOSE["services"]
    ours = {name for name, service in services.items() if service["image"] == services["api"]["image"]} - {"setup"}
    filled = {
        mount.partition(":/")[0]
        for name in ours
        for mount in services[name]["volumes"]
        if any(folder.startswith(f"{mount.split(':')[-1]}/") for folder in made)
    }
    assert filled == {"data"}
    assert filled <= {mount.partition(":/")[0] for mount in services["setup"]["volumes"]}
    assert all("redis" in services[name]["depends_on"] for name in ours)
    assert services["redis"]["depends_on"]["setup"]["condition"] == "service_completed_successfully"


def test_every_service_is_locked() -> None:
    """No service has root, capabilities, a file system to write to or a port on other addresses than asked for."""
    for name, service in COMPOSE["services"].items():
        assert (service["user"], service["read_only"], service["cap_drop"]) == ("10001:10001", True, ["ALL"]), name
        assert service["security_opt"] == ["no-new-privileges:true"]
        assert ("ports" in service) == (name == "proxy")
    assert COMPOSE["networks"]["inside"]["internal"]
    assert COMPOSE["services"]["redis"]["networks"] == ["inside"]


def test_the_version_of_the_image() -> None:
    """The image's label has the package's version."""
    version = re.search(r'^version = "(.*)"$', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)
    assert version
    assert f"ARG VERSION={version[1]} " in (ROOT / "Dockerfile").read_text()


def test_the_image_gets_every_package() -> None:
    """What Docker is given to build from has each package of the project."""
    packages = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"][
        "packages"
    ]
    given = (ROOT / ".dockerignore").read_text().splitlines()
    assert [package for package in packages if f"!{package}" not in given] == []


def test_shell_scripts_parse() -> None:
    """Each script of the containers is a shell's."""
    for script in [*ROOT.glob("deploy/*/*.sh"), *ROOT.glob("deploy/*.sh"), *ROOT.glob(".ci/*")]:
        shell = shutil.which("bash" if "bash" in script.read_text().split("\n")[0] else "sh")
        if shell is None:
            pytest.skip("there is no shell")
        subprocess.run([shell, "-n", str(script)], check=True)
