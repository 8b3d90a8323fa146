"""What a person sees of a benchmark: tables, and the lines around them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.box import SIMPLE_HEAD
from rich.table import Table

from benchmarks.compare import changed, compared
from benchmarks.ratios import GOALS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import RenderableType


def serving_report(told: dict[str, Any], before: dict[str, Any] | None = None) -> Iterator[RenderableType]:
    """Show a whole run, and what an earlier one said."""
    best = max(row["images_per_second"] for row in told["engine"]["rows"])
    yield from _heading(told)
    yield _engine(told["engine"])
    yield _decode(told["decode"])
    yield from _server("the service", service_rows(told), best)
    yield _memory(told["service"]["memory"])
    if told["litserve"]:
        yield from _server("LitServe", told["litserve"]["loads"], best)
    yield _ratios(told)
    if before:
        yield _compared(before, told)
        yield from (f"Changed: {line}" for line in changed(before, told))


def service_rows(told: dict[str, Any]) -> list[dict[str, Any]]:
    """List every load that the service was put under."""
    service = told["service"]
    return [*service["loads"], service["overload"], *([service["beside"]] if service["beside"] else [])]


def _server(title: str, rows: list[dict[str, Any]], best: float) -> Iterator[RenderableType]:
    yield _loads(title, rows, best)
    yield from _refused(rows)
    yield from (f"Errors at {_name(row)}: {_kinds(row)}." for row in rows if row["errors"])
    yield _cost(rows)


def _heading(told: dict[str, Any]) -> Iterator[str]:
    here, settings = told["machine"], told["settings"]
    gpus = ", ".join(here["gpus"]) or "no GPU"
    yield f"{here['processor']}, {here['cores']} cores, {here['memory_gib']:g} GiB, {gpus}, {here['tensorflow']}"
    yield f"Flags: {' '.join(here['flags']) or 'none of those that matter'}"
    yield f"{settings['model']} with {settings['weights']['described']}. Photos: {settings['photos_described']}."


def _engine(engine: dict[str, Any]) -> Table:
    table = _table(f"the bare engine, {engine['precision']} on the {engine['device'].upper()}", "batch")
    for column in ("images/s", "best", "ms a batch", "runs"):
        table.add_column(column, justify="right")
    for row in engine["rows"]:
        rates = _number(row["images_per_second"]), _number(row["best_images_per_second"])
        table.add_row(str(row["batch"]), *rates, _number(row["ms"]), str(row["runs"]))
    return table


def _decode(decode: dict[str, Any]) -> str:
    return (
        f"Decoding alone: {_number(decode['ms'])} ms a photo; {_number(decode['photos_per_second'])} photos/s in "
        f"{decode['processes']} processes."
    )


def _loads(title: str, rows: list[dict[str, Any]], best: float) -> Table:
    table = _table(f"{title}: images a second, milliseconds", "connected")
    for column in ("sent/s", "images/s", "of bare", "p50", "p95", "p99", "429/s", "errors"):
        table.add_column(column, justify="right")
    for row in rows:
        rates = _number(row["offered_per_second"]), _number(row["images_per_second"])
        times = (_number(row["answered"][f"p{each}_ms"]) for each in (50, 95, 99))
        share = f"{row['images_per_second'] / best:.2f}"
        table.add_row(
            _name(row), *rates, share, *times, _number(row["refused_per_second"]), f"{sum(row['errors'].values())}"
        )
    return table


def _name(row: dict[str, Any]) -> str:
    kind = {"wanted_per_second": "overload", "training_images_per_second": "training"}
    return " ".join([str(row["connections"]), *(words for key, words in kind.items() if key in row)])


def _kinds(row: dict[str, Any]) -> str:
    return ", ".join(f"{count} {kind}" for kind, count in row["errors"].items())


def _refused(rows: list[dict[str, Any]]) -> Iterator[str]:
    for row in rows:
        if row["refused"]["count"]:
            times = ", ".join(f"p{each} {_number(row['refused'][f'p{each}_ms'])}" for each in (50, 95, 99))
            yield f"429 at {_name(row)}: after {times} ms."


def _cost(rows: list[dict[str, Any]]) -> str:
    """Say what the load took from the machine that it measures."""
    shares = [row["load"]["share_of_machine"] for row in rows]
    most = max(row["load"]["cpu_ms_per_request"] for row in rows)
    return (
        f"The load itself took {min(shares):.1%} to {max(shares):.1%} of the machine's processor time, at most "
        f"{_number(most)} ms a request."
    )


def _memory(memory: dict[str, Any]) -> str:
    if memory["api_mib"] is None:
        return "Peak memory: this system does not tell it."
    return (
        f"Peak memory: {memory['api_mib']:,.0f} MiB for the API; {memory['decode_mib'] or 0:,.0f} MiB for "
        f"{memory['decode_processes']} decode processes."
    )


def _ratios(told: dict[str, Any]) -> Table:
    table = _table("what it comes to", "ratio")
    for column in ("value", "wanted", "reached"):
        table.add_column(column, justify="right")
    for key, value in told["ratios"].items():
        if value is not None:
            goal = GOALS[key]
            meaning = goal.meaning.format(level=told["service"]["level"])
            table.add_row(meaning, f"{value:.2f}", goal.words, "yes" if goal.reached(value) else "no")
    return table


def _compared(before: dict[str, Any], told: dict[str, Any]) -> Table:
    table = _table(f"beside the run of {before['started_at']}", "number")
    for column in ("then", "now", "now / then"):
        table.add_column(column, justify="right")
    for row in compared(before, told):
        table.add_row(row.name, _number(row.before), _number(row.now), f"{row.ratio:.2f}")
    return table


def _table(title: str, first: str) -> Table:
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    table.add_column(first)
    return table


def _number(value: float | None) -> str:
    """Write a number with the digits that it deserves."""
    if value is None:
        return "-"
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"  # noqa: PLR2004
