"""Report of a serving benchmark, for people: tables, and lines between them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.box import SIMPLE_HEAD
from rich.table import Table

from benchmarks.compare import changes, compare
from benchmarks.serving import GOALS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import RenderableType


def table(title: str, *columns: str) -> Table:
    """Return an empty table; all columns but the first are numbers."""
    made = Table(title=title, title_justify="left", box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for index, column in enumerate(columns):
        made.add_column(column, justify="right" if index else "left")
    return made


def serving_report(result: dict[str, Any], before: dict[str, Any] | None = None) -> Iterator[RenderableType]:
    """Show a whole run, and its comparison with an earlier one."""
    best = max(row["images_per_second"] for row in result["engine"]["rows"])
    service = result["service"]
    yield from _heading(result)
    yield _engine(result["engine"])
    yield _decode(result["decode"])
    rows = [*service["loads"], service["overload"], *([service["beside"]] if service["beside"] else [])]
    yield from _server("the service", rows, best)
    yield _memory(service["memory"])
    if result["litserve"]:
        yield from _server("LitServe", result["litserve"]["loads"], best)
    yield _ratios(result)
    if before:
        yield _comparison(before, result)
        yield from (f"Changed: {line}" for line in changes(before, result))


def _heading(result: dict[str, Any]) -> Iterator[str]:
    machine, settings = result["machine"], result["settings"]
    gpus = ", ".join(machine["gpus"]) or "no GPU"
    size = f"{machine['cores']} cores, {machine['memory_gib']:g} GiB"
    yield f"{machine['processor']}, {size}, {gpus}, {machine['tensorflow']}"
    yield f"Flags: {' '.join(machine['flags']) or 'none of those that matter'}"
    yield f"{settings['model']} with {settings['weights']['described']}. Photos: {settings['photos_described']}."


def _engine(engine: dict[str, Any]) -> Table:
    title = f"the bare engine, {engine['precision']} on the {engine['device'].upper()}"
    shown = table(title, "batch", "images/s", "best", "ms a batch", "runs")
    for row in engine["rows"]:
        rates = _number(row["images_per_second"]), _number(row["best_images_per_second"])
        shown.add_row(str(row["batch"]), *rates, _number(row["ms"]), str(row["runs"]))
    return shown


def _decode(decode: dict[str, Any]) -> str:
    return (
        f"Decoding alone: {_number(decode['ms'])} ms a photo; {_number(decode['photos_per_second'])} photos/s in "
        f"{decode['processes']} processes."
    )


def _server(title: str, rows: list[dict[str, Any]], best: float) -> Iterator[RenderableType]:
    yield _loads(title, rows, best)
    for row in rows:
        if row["refused"]["count"]:
            times = ", ".join(f"p{each} {_number(row['refused'][f'p{each}_ms'])}" for each in (50, 95, 99))
            yield f"429 at {_name(row)}: after {times} ms."
    for row in rows:
        if row["errors"]:
            yield f"Errors at {_name(row)}: {', '.join(f'{count} {kind}' for kind, count in row['errors'].items())}."
    shares = [row["load"]["share_of_machine"] for row in rows]
    cost = max(row["load"]["cpu_ms_per_request"] for row in rows)
    yield (
        f"The load itself took {min(shares):.1%} to {max(shares):.1%} of the machine's processor time, at most "
        f"{_number(cost)} ms a request."
    )


def _loads(title: str, rows: list[dict[str, Any]], best: float) -> Table:
    columns = ("sent/s", "images/s", "of bare", "p50", "p95", "p99", "429/s", "errors")
    shown = table(f"{title}: images a second, milliseconds", "connected", *columns)
    for row in rows:
        rates = _number(row["offered_per_second"]), _number(row["images_per_second"])
        times = (_number(row["answered"][f"p{each}_ms"]) for each in (50, 95, 99))
        share = f"{row['images_per_second'] / best:.2f}"
        errors = str(sum(row["errors"].values()))
        shown.add_row(_name(row), *rates, share, *times, _number(row["refused_per_second"]), errors)
    return shown


def _name(row: dict[str, Any]) -> str:
    words = {"wanted_per_second": "overload", "training_images_per_second": "training"}
    return " ".join([str(row["connections"]), *(word for key, word in words.items() if key in row)])


def _memory(memory: dict[str, Any]) -> str:
    if memory["api_mib"] is None:
        return "Peak memory: not known on this system."
    return (
        f"Peak memory: {memory['api_mib']:,.0f} MiB for the API; {memory['decode_mib'] or 0:,.0f} MiB for "
        f"{memory['decode_processes']} decode processes."
    )


def _ratios(result: dict[str, Any]) -> Table:
    shown = table("summary", "ratio", "value", "wanted", "reached")
    for key, value in result["ratios"].items():
        if value is not None:
            goal = GOALS[key]
            meaning = goal.meaning.format(level=result["service"]["level"])
            shown.add_row(meaning, f"{value:.2f}", str(goal), "yes" if goal.is_reached(value) else "no")
    return shown


def _comparison(before: dict[str, Any], result: dict[str, Any]) -> Table:
    shown = table(f"beside the run of {before['started_at']}", "number", "then", "now", "now / then")
    for row in compare(before, result):
        shown.add_row(row.name, _number(row.before), _number(row.now), f"{row.ratio:.2f}")
    return shown


def _number(value: float | None) -> str:
    """Format a number with three significant digits, or as an integer from 100."""
    if value is None:
        return "-"
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"  # noqa: PLR2004
