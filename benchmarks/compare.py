"""Comparison with an earlier run on the same machine, read from the file that `--out` wrote."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

from benchmarks.machine import describe_machine
from benchmarks.processes import UsageError
from benchmarks.serving import FORMAT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Comparison(NamedTuple):
    """One number of both runs."""

    name: str
    before: float
    now: float

    @property
    def ratio(self) -> float:
        """The new value as a multiple of the old one."""
        return self.now / self.before


def read_earlier_run(path: Path, model: str) -> dict[str, Any]:
    """Read an earlier run of the same machine and model.

    Raises:
        UsageError: it is not such a file, or of another machine or model.
    """
    try:
        run = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise UsageError(
            f"{path}: cannot be read ({error}). Give a file that `make bench ARGS=--out=` wrote."
        ) from None
    if not isinstance(run, dict) or (run.get("kind"), run.get("format")) != ("serving", FORMAT):
        raise UsageError(f"{path}: not written by this version's `make bench ARGS=--out=`. Measure again.")
    check_same_machine(run["machine"], describe_machine(), str(path))
    if run["settings"]["model"] != model:
        raise UsageError(
            f"{path}: of {run['settings']['model']}, and {model} is measured. Add --model, or give another file."
        )
    return run


def check_same_machine(theirs: dict[str, Any], ours: dict[str, Any], source: str) -> None:
    """Check that two descriptions of a machine are equal.

    Raises:
        UsageError: they are not; the message names each difference.
    """
    keys = [key for key in ours if theirs.get(key) != ours[key]]
    if keys:
        differences = "; ".join(f"{key} {theirs.get(key)!r} there, {ours[key]!r} here" for key in keys)
        raise UsageError(f"{source}: from another machine ({differences}). Only runs on one machine can be compared.")


def compare(before: dict[str, Any], now: dict[str, Any]) -> list[Comparison]:
    """Return every number that both runs have."""
    old, new = dict(_numbers(before)), dict(_numbers(now))
    pairs = ((name, old.get(name), value) for name, value in new.items())
    return [Comparison(name, then, value) for name, then, value in pairs if then and value is not None]


def changes(before: dict[str, Any], now: dict[str, Any]) -> list[str]:
    """Describe what else differs between the runs: settings, versions, precision."""
    pairs = {f"settings.{key}": (before["settings"].get(key), value) for key, value in now["settings"].items()}
    pairs |= {f"versions.{key}": (before["versions"].get(key), value) for key, value in now["versions"].items()}
    pairs["precision"] = before["engine"]["precision"], now["engine"]["precision"]
    return [f"{name}: {old}, now {new}" for name, (old, new) in pairs.items() if old != new]


def _numbers(run: dict[str, Any]) -> Iterator[tuple[str, float | None]]:
    for row in run["engine"]["rows"]:
        yield f"engine, batch {row['batch']}: images/s", row["images_per_second"]
    yield "decode: ms", run["decode"]["ms"]
    yield "decode: photos/s", run["decode"]["photos_per_second"]
    for server in ("service", "litserve"):
        for row in (run[server] or {"loads": []})["loads"]:
            yield from _row(f"{server}, {row['connections']} connections", row)
    for name in ("overload", "beside"):
        if row := run["service"][name]:
            yield from _row(f"service, {name}", row)
    yield from ((f"ratio {name}", value) for name, value in run["ratios"].items())


def _row(name: str, row: dict[str, Any]) -> Iterator[tuple[str, float | None]]:
    yield f"{name}: images/s", row["images_per_second"]
    yield f"{name}: p50 ms", row["answered"]["p50_ms"]
    yield f"{name}: p99 ms", row["answered"]["p99_ms"]
