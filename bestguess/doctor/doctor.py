"""All checks of `bestguess doctor`, in the order in which a reader fixes what they find."""

from __future__ import annotations

import asyncio
import os
from dataclasses import replace
from difflib import get_close_matches
from typing import TYPE_CHECKING

from app.settings import Settings, SettingsError
from bestguess.checks import Verdict, check_address, check_keys, check_settings, ok, warning, wrong
from bestguess.doctor.files import check_data, check_mnist, check_models, check_weights
from bestguess.doctor.machine import check_gpu, check_memory, check_open_files, check_processor, check_tensorflow
from bestguess.doctor.redis import check_redis
from bestguess.supervisor.probes import answers_healthz
from jobs.deadline import within
from jobs.settings import WorkerSettings
from jobs.telemetry.masking import masked
from vision.machine import memory_limit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from bestguess.checks import CheckResult

    Check = Callable[[], Iterable[CheckResult]]

PATIENCE = 60.0  # seconds for one check; hashing the weights file takes longest
PREFIX = "BESTGUESS_"
# Variables of clients, of the tests, and of docker-compose.yml.
ELSEWHERE = frozenset({"URL", "API_KEY", "TESTS_MUST_RUN", "SCREENSHOTS"}) | frozenset(
    {"ADDRESS", "IMAGE", "GPU_IMAGE", "SECRETS", "TLS", "WEIGHTS_VOLUME", "MODELS_VOLUME"}
    | {f"{service}_MEMORY" for service in ("API", "WORKER", "REDIS", "PROXY")}
)


def run_checks() -> Iterator[CheckResult]:
    """Run all checks and yield each result as it is found; if the settings cannot be read, only that is reported."""
    yield from run_check("settings", lambda: check_variables(os.environ))
    try:
        settings, worker = Settings.load(), WorkerSettings.load()
    except SettingsError:
        yield warning("the rest", "was not checked", "Correct the settings first.")
        return
    checks: list[tuple[str, Check]] = [
        ("keys", lambda: check_keys(settings)),
        ("weights", lambda: check_weights(settings)),
        ("MNIST", lambda: check_mnist(worker)),
        ("data folder", lambda: check_data(settings)),
        ("models", lambda: check_models(settings)),
        ("Redis", lambda: check_redis(settings)),
        ("port", lambda: check_port(settings)),
        ("TensorFlow", check_tensorflow),
        ("processor", lambda: check_processor(settings)),
        ("memory", lambda: check_memory(memory_limit(), settings.listed)),
        ("GPU", lambda: check_gpu(worker)),
        ("open files", check_open_files),
    ]
    for about, check in checks:
        yield from run_check(about, check)


def run_check(about: str, check: Check, patience: float = PATIENCE) -> list[CheckResult]:
    """Run one check and hide secrets in its results; a check that hangs or fails is a result as well."""
    try:
        results = within(patience, lambda: list(check()))
    except TimeoutError:
        results = [wrong(about, f"no answer within {patience:g} s", "Something hangs: a disk, a network, or a driver.")]
    except Exception as error:  # noqa: BLE001 - the other checks are still worth having
        found = f"could not be checked: {type(error).__name__}: {error}"
        results = [wrong(about, found, "This is a fault of the doctor, or of what it asked; please report it.")]
    return [replace(result, found=masked(result.found), action=masked(result.action)) for result in results]


def healthy(results: Iterable[CheckResult]) -> bool:
    """Return whether nothing is wrong; there may be warnings."""
    return all(result.verdict is not Verdict.WRONG for result in results)


def check_variables(environment: Mapping[str, str]) -> Iterator[CheckResult]:
    """Look for BESTGUESS_* variables that are no settings, and for values that cannot be used."""
    given = sorted(name for name in environment if name.upper().startswith(PREFIX))
    unknown = [name for name in given if name.upper().removeprefix(PREFIX) not in setting_names() | ELSEWHERE]
    unusable = check_settings()
    for name in unknown:
        yield wrong("settings", f"{name} is set, and there is no such setting", _suggestion(name))
    yield from unusable
    if not unknown and not unusable:
        names = ", ".join(name.removeprefix(PREFIX).lower() for name in given)
        yield ok("settings", f"can be read; set are {names}" if names else "can be read; all have their defaults")


def setting_names() -> frozenset[str]:
    """Return the names of all settings, without the prefix and in capitals."""
    return frozenset(name.upper() for name in (*Settings.model_fields, *WorkerSettings.model_fields))


def check_port(settings: Settings) -> Iterator[CheckResult]:
    """Check that the port is free, or that the service listens there."""
    result = asyncio.run(check_address(settings.host, settings.port))
    if result.verdict is Verdict.WRONG and asyncio.run(answers_healthz(settings.host, settings.port)):
        result = ok("port", f"{settings.host} port {settings.port}: a service that is alive listens there")
    yield result


def _suggestion(name: str) -> str:
    near = get_close_matches(name.upper().removeprefix(PREFIX), setting_names(), n=1, cutoff=0.6)
    return f"Did you mean {PREFIX}{near[0]}? Else unset it." if near else "Unset it; README.md lists all settings."
