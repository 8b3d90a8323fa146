"""The ratios that say how good the service is on whatever machine: its numbers by others of the same run."""

from __future__ import annotations

from typing import Any, NamedTuple

_MIB = 1024.0


class Goal(NamedTuple):
    """What a ratio means, and what is to be reached."""

    meaning: str
    wanted: float
    at_least: bool

    def reached(self, value: float) -> bool:
        """Whether a value is good enough."""
        return value >= self.wanted if self.at_least else value <= self.wanted

    @property
    def words(self) -> str:
        """Say what is wanted."""
        return f"{'at least' if self.at_least else 'at most'} {self.wanted:g}"


GOALS = {
    "throughput": Goal("images/s at {level} connections / the bare engine's best batch", 0.8, at_least=True),
    "latency": Goal("p50 at 1 connection / (bare batch of 1 + decoding one)", 1.25, at_least=False),
    "overload": Goal("images/s at four times overload / the best of the loads", 0.9, at_least=True),
    "beside": Goal("images/s at {level} connections beside a training / without", 0.7, at_least=True),
    "litserve": Goal("images/s at {level} connections / LitServe's", 1.25, at_least=True),
    "memory_gib": Goal("peak memory of the API, GiB", 2.5, at_least=False),
    "ready_seconds": Goal("seconds from start to ready", 15, at_least=False),
}


def ratios(told: dict[str, Any]) -> dict[str, float | None]:
    """Take the ratios of one run's parts; None where a part was not measured, or had no answers."""
    service, level = told["service"], told["service"]["level"]
    rate, alone = _rate(service["loads"], level), _row(service["loads"], 1)
    best = max(row["images_per_second"] for row in told["engine"]["rows"])
    peak = max(row["images_per_second"] for row in service["loads"])
    rival = _rate(told["litserve"]["loads"], level) if told["litserve"] else None
    memory = service["memory"]["api_mib"]
    return {
        "throughput": _over(rate, best),
        "latency": _over(alone["answered"]["p50_ms"], _bare_ms(told)) if alone else None,
        "overload": _over(service["overload"]["images_per_second"], peak),
        "beside": _over(service["beside"]["images_per_second"], rate) if service["beside"] else None,
        "litserve": _over(rate, rival),
        "memory_gib": memory / _MIB if memory else None,
        "ready_seconds": service["ready_seconds"],
    }


def _bare_ms(told: dict[str, Any]) -> float:
    """Milliseconds that one photo takes where nothing but decoding and the network costs anything."""
    one = next(row for row in told["engine"]["rows"] if row["batch"] == 1)
    return float(one["ms"] + told["decode"]["ms"])


def _row(rows: list[dict[str, Any]], connections: int) -> dict[str, Any] | None:
    return next((row for row in rows if row["connections"] == connections), None)


def _rate(rows: list[dict[str, Any]], connections: int) -> float | None:
    row = _row(rows, connections)
    return row["images_per_second"] if row else None


def _over(numerator: float | None, denominator: float | None) -> float | None:
    return numerator / denominator if numerator is not None and denominator else None
