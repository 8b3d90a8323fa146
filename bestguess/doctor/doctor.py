"""Everything is looked at, in an order in which a reader mends it."""

from __future__ import annotations

import asyncio
import os
from difflib import get_close_matches
from typing import TYPE_CHECKING

from app.settings import Settings, SettingsError
from bestguess.checks import Verdict, ok, run_check, warning, wrong
from bestguess.doctor.files import check_data_folder, check_mnist, check_models, check_weights
from bestguess.doctor.machine import check_gpu, check_memory, check_open_files, check_processor, check_tensorflow
from bestguess.doctor.redis import check_redis
from bestguess.supervisor.preflight import PreflightError, check_address
from bestguess.supervisor.probes import answers_healthz
from jobs.settings import WorkerSettings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from bestguess.checks import CheckResult

    Look = Callable[[], Iterable[CheckResult]]


def run_checks() -> Iterator[CheckResult]:
    """Look at everything, as each thing is found; what needs the settings waits until they can be read."""
    yield from run_check("settings", lambda: check_settings(os.environ))
    try:
        settings, worker = Settings.load(), WorkerSettings.load()
    except SettingsError:
        yield warning("the rest", "was not looked at", "Correct the settings first.")
        return
    for about, look in looks(settings, worker):
        yield from run_check(about, look)


def looks(settings: Settings, worker: WorkerSettings) -> list[tuple[str, Look]]:
    """Name each look that needs the settings."""
    return [
        ("weights", lambda: check_weights(settings)),
        ("MNIST", lambda: check_mnist(worker)),
        ("data folder", lambda: check_data_folder(settings)),
        ("models", lambda: check_models(settings)),
        ("Redis", lambda: check_redis(settings)),
        ("port", lambda: check_port(settings)),
        ("TensorFlow", check_tensorflow),
        ("processor", lambda: check_processor(settings)),
        ("memory", lambda: check_memory(listed=settings.listed)),
        ("GPU", lambda: check_gpu(worker)),
        ("open files", check_open_files),
    ]


def healthy(findings: Iterable[CheckResult]) -> bool:
    """Say whether nothing is wrong; warnings may be."""
    return all(finding.verdict is not Verdict.WRONG for finding in findings)


# Whether the settings can be read, and whether each BESTGUESS_* variable is one.
PREFIX = "BESTGUESS_"
ABOUT = "settings"
# Read by clients, by the tests, and by docker-compose.yml.
ELSEWHERE = frozenset({"URL", "API_KEY", "TESTS_MUST_RUN", "SCREENSHOTS"}) | frozenset(
    {"ADDRESS", "IMAGE", "GPU_IMAGE", "SECRETS", "TLS", "WEIGHTS_VOLUME", "MODELS_VOLUME"}
    | {f"{service}_MEMORY" for service in ("API", "WORKER", "REDIS", "PROXY")}
)


def names() -> frozenset[str]:
    """Name every setting, without the prefix and in capitals."""
    return frozenset(name.upper() for name in (*Settings.model_fields, *WorkerSettings.model_fields))


def check_settings(environment: Mapping[str, str]) -> Iterator[CheckResult]:
    """Read the settings as the service and a worker do, and look for variables that nobody reads."""
    given = sorted(name for name in environment if name.upper().startswith(PREFIX))
    unknown = [name for name in given if name.upper().removeprefix(PREFIX) not in names() | ELSEWHERE]
    troubles = _troubles()
    for name in unknown:
        yield wrong(ABOUT, f"{name} is set, and there is no such setting", _suggestion(name))
    for trouble in troubles:
        yield wrong(ABOUT, trouble, "Correct the variable; README.md lists all of them.")
    if not unknown and not troubles:
        told = ", ".join(name.removeprefix(PREFIX).lower() for name in given)
        yield ok(ABOUT, f"can be read; set are {told}" if told else "can be read; all have their defaults")


def _troubles() -> list[str]:
    lines: dict[str, None] = {}  # in their order, and what both halves read once
    for kind in (Settings, WorkerSettings):
        try:
            kind.load()
        except SettingsError as error:
            lines |= dict.fromkeys(str(error).splitlines())
    return list(lines)


def _suggestion(name: str) -> str:
    near = get_close_matches(name.upper().removeprefix(PREFIX), names(), n=1, cutoff=0.6)
    return f"Did you mean {PREFIX}{near[0]}? Else unset it." if near else "Unset it; README.md lists all settings."


# Whether the API's address can be listened on, or is listened on by us already.
def check_port(settings: Settings) -> Iterator[CheckResult]:
    """Bind it and give it back; where that fails, ask who is there."""
    about, address = "port", f"{settings.host} port {settings.port}"
    try:
        asyncio.run(check_address(settings.host, settings.port))
    except PreflightError as error:
        if asyncio.run(answers_healthz(settings.host, settings.port)):
            yield ok(about, f"{address}: a service that is alive listens there")
        else:
            yield wrong(about, str(error), "Choose another with BESTGUESS_PORT, or stop the other program.")
        return
    yield ok(about, f"{address} is free")
