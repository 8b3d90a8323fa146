"""An earlier run's JSON beside this one's: read, refused where it does not fit, and set in ratio."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

from benchmarks.machine import machine, refuse_other
from benchmarks.problems import Refused

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FORMAT = 1  # of the JSON


class Compared(NamedTuple):
    """One number of both runs."""

    name: str
    before: float
    now: float

    @property
    def ratio(self) -> float:
        """How many times as large it is now."""
        return self.now / self.before


def earlier(path: Path, model: str) -> dict[str, Any]:
    """Read an earlier run of this machine and model.

    Raises:
        Refused: it is no such file, or of another machine or model.
    """
    try:
        told = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise Refused(f"{path}: cannot be read ({error}). Name a file that `bestguess bench --out` wrote.") from None
    if not isinstance(told, dict) or (told.get("kind"), told.get("format")) != ("serving", FORMAT):
        raise Refused(f"{path}: not written by this version's `bestguess bench --out`. Measure anew.")
    refuse_other(told["machine"], machine(), str(path))
    if told["settings"]["model"] != model:
        raise Refused(f"{path}: of {told['settings']['model']}, and {model} is measured. Add --model, or name another.")
    return told


def compared(before: dict[str, Any], now: dict[str, Any]) -> list[Compared]:
    """Set every number that both have in ratio."""
    old, new = dict(_numbers(before)), dict(_numbers(now))
    pairs = ((name, old.get(name), value) for name, value in new.items())
    return [Compared(name, then, value) for name, then, value in pairs if then and value is not None]


def changed(before: dict[str, Any], now: dict[str, Any]) -> list[str]:
    """Name what else is different: settings, versions, precision."""
    pairs = {f"settings.{key}": (before["settings"].get(key), value) for key, value in now["settings"].items()}
    pairs |= {f"versions.{key}": (before["versions"].get(key), value) for key, value in now["versions"].items()}
    pairs["precision"] = before["engine"]["precision"], now["engine"]["precision"]
    return [f"{name}: {old}, now {new}" for name, (old, new) in pairs.items() if old != new]


def _numbers(told: dict[str, Any]) -> Iterator[tuple[str, float | None]]:
    for row in told["engine"]["rows"]:
        yield f"engine, batch {row['batch']}: images/s", row["images_per_second"]
    yield "decode: ms", told["decode"]["ms"]
    yield "decode: photos/s", told["decode"]["photos_per_second"]
    for server in ("service", "litserve"):
        for row in (told[server] or {"loads": []})["loads"]:
            yield from _row(f"{server}, {row['connections']} connections", row)
    for name in ("overload", "beside"):
        if row := told["service"][name]:
            yield from _row(f"service, {name}", row)
    yield from ((f"ratio {name}", value) for name, value in told["ratios"].items())


def _row(name: str, row: dict[str, Any]) -> Iterator[tuple[str, float | None]]:
    yield f"{name}: images/s", row["images_per_second"]
    yield f"{name}: p50 ms", row["answered"]["p50_ms"]
    yield f"{name}: p99 ms", row["answered"]["p99_ms"]
