"""Whether the settings can be read, and whether each BESTGUESS_* variable is one."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

from app.settings import Settings, SettingsError
from bestguess.doctor.finding import ok, wrong
from jobs.settings import WorkerSettings

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from bestguess.doctor.finding import Finding

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


def look_at_settings(environment: Mapping[str, str]) -> Iterator[Finding]:
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
