"""What was found about one thing, in words, and what has to be done."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from jobs.deadline import within
from jobs.telemetry.masking import masked

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

PATIENCE = 60.0  # seconds for one look; adding up the weights' file is the longest


class Verdict(StrEnum):
    """How it stands: `warning` works, but not well or not for long."""

    OK = "ok"
    WARNING = "warning"
    WRONG = "wrong"


@dataclass(frozen=True, slots=True)
class CheckResult:
    """One line of the table. Secrets are hidden as it is made."""

    about: str
    verdict: Verdict
    found: str
    action: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "found", masked(self.found))
        object.__setattr__(self, "action", masked(self.action))


def ok(about: str, found: str) -> CheckResult:
    """Say that something is well."""
    return CheckResult(about, Verdict.OK, found)


def warning(about: str, found: str, action: str) -> CheckResult:
    """Say that something had better be changed."""
    return CheckResult(about, Verdict.WARNING, found, action)


def wrong(about: str, found: str, action: str) -> CheckResult:
    """Say that something has to be changed."""
    return CheckResult(about, Verdict.WRONG, found, action)


def run_check(about: str, look: Callable[[], Iterable[CheckResult]], patience: float = PATIENCE) -> list[CheckResult]:
    """Have a look, whatever comes of it: one that hangs or breaks is a finding as well."""
    try:
        return within(patience, lambda: list(look()))
    except TimeoutError:
        return [wrong(about, f"no answer within {patience:g} s", "Something hangs: a disk, a network, or a driver.")]
    except Exception as error:  # noqa: BLE001 - the other lines are still worth having
        found = f"could not be looked at: {type(error).__name__}: {error}"
        return [wrong(about, found, "This is a fault of the doctor, or of what it asked; please report it.")]
