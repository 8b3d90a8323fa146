"""Command line of the benchmarks: `make bench ARGS=...`, or `python -m benchmarks` in a checkout."""

from __future__ import annotations

import json
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path  # noqa: TC003 - Typer reads the annotations
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from rich.console import Console

from benchmarks.compare import read_earlier_run
from benchmarks.finetuning import Options, finetuning_report, measure_finetuning
from benchmarks.load import DEFAULT_CONNECTIONS, parse_connections
from benchmarks.precision import measure_precision, precision_report
from benchmarks.processes import BenchmarkError, UsageError
from benchmarks.report import serving_report
from benchmarks.serving import LITSERVE_CONNECTIONS, Plan, measure_serving
from benchmarks.training import measure_training, training_report
from jobs.settings import SettingsError
from vision.networks.registry import DEFAULT, NETWORKS, STAND_IN
from vision.networks.weights import WeightsError

if TYPE_CHECKING:
    from collections.abc import Iterator

FINETUNING_OPTIONS = {"images", "epochs", "freeze"}

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)


def known_network(name: str) -> str:
    """Return the id of a pretrained network.

    Raises:
        typer.BadParameter: there is none of this name.
    """
    if name not in NETWORKS:
        raise typer.BadParameter(f"{name!r} is not one of {', '.join(map(repr, NETWORKS))}.")
    return name


@app.command(
    epilog="Examples:\n\nmake bench ARGS='--model efficientnet-lite0 --seconds 5'\n\nmake bench ARGS='--training'"
)
def bench(  # noqa: PLR0913 - a command's parameters are its options
    context: typer.Context,
    *,
    model: Annotated[
        str,
        typer.Option(
            metavar="|".join(NETWORKS),
            callback=known_network,
            help="The network to measure; --precision measures two, unless one is given.",
        ),
    ] = DEFAULT.id,
    seconds: Annotated[float, typer.Option(min=0.5, max=600, help="Seconds for each measurement.")] = 15,
    connections: Annotated[str, typer.Option(help="Connections, a load for each number.")] = DEFAULT_CONNECTIONS,
    photos: Annotated[Path | None, typer.Option(help="A folder of photographs; without it they are drawn.")] = None,
    beside: Annotated[bool, typer.Option(help="Also measure beside a training job.")] = True,
    against: Annotated[Literal["litserve"] | None, typer.Option(help="Measure another server as well.")] = None,
    training: Annotated[
        bool, typer.Option("--training", help="Instead: train with plain Keras, and as a job.")
    ] = False,
    finetune: Annotated[
        bool, typer.Option("--finetune", help="Instead: fine-tune with plain Keras, and as a job.")
    ] = False,
    precision: Annotated[
        bool, typer.Option("--precision", help="Instead: how far 16-bit scores are from those in float32.")
    ] = False,
    steps: Annotated[int, typer.Option(min=1, max=10_000, help="With --training: steps, each time.")] = 1000,
    images: Annotated[int, typer.Option(min=10, max=100_000, help="With --finetune: photographs.")] = 500,
    epochs: Annotated[int, typer.Option(min=1, max=1000, help="With --finetune: epochs, each time.")] = 10,
    freeze: Annotated[
        int | None, typer.Option(min=0, max=1000, help="With --finetune: frozen layers; all but three if not given.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="A file to write the numbers to, as JSON.")] = None,
    compare: Annotated[Path | None, typer.Option(help="What --out wrote earlier, on this machine.")] = None,
) -> None:
    """Measure serving on this machine, training, or fine-tuning: it takes minutes, and needs the machine alone.

    The network alone, decoding alone, the running service under rising load, four times overload, a training beside it.
    """
    with _errors_in_one_line(), Console(stderr=True).status("Measuring ...") as status:

        def progress(what: str) -> None:
            status.update(f"Measuring: {what} ...")

        if out and not out.parent.is_dir():
            raise UsageError(f"--out {out}: there is no folder {out.parent}. Make it, or give another file.")
        if training:
            check_options(context, "--training", {"training", "steps", "out"})
            progress(f"training twice for {steps:,} steps")
            result = measure_training(steps)
            report = training_report(result)
        elif finetune:
            check_options(context, "--finetune", {"finetune", "model", "photos", *FINETUNING_OPTIONS, "out"})
            progress(f"fine-tuning twice for {epochs} epochs of {images} photographs")
            result = measure_finetuning(Options(model, images, epochs, freeze, str(photos) if photos else None))
            report = finetuning_report(result)
        elif precision:
            check_options(context, "--precision", {"precision", "model", "photos", "out"})
            result = measure_precision(
                photos, [NETWORKS[model]] if is_given(context, "model") else [DEFAULT, STAND_IN], progress
            )
            report = precision_report(result)
        else:
            check_options(context, "A benchmark of serving", {*context.params} - {"steps", *FINETUNING_OPTIONS})
            levels = parse_connections(connections)
            if against:
                levels = tuple(sorted({*levels, *LITSERVE_CONNECTIONS}))
            check_installed("locust", "psutil", *(("litserve",) if against else ()))
            before = read_earlier_run(compare, model) if compare else None
            result = measure_serving(Plan(model, seconds, levels, photos, beside, bool(against)), progress)
            report = serving_report(result, before)
    console = Console()
    for part in report:
        console.print(part, soft_wrap=True, highlight=False)
    if out:
        out.write_text(json.dumps(result, indent=2) + "\n")


def is_given(context: typer.Context, name: str) -> bool:
    """Return whether an option was typed, even with its default value."""
    source = context.get_parameter_source(name)
    return source is not None and source.name != "DEFAULT"


def check_options(context: typer.Context, what: str, used: set[str]) -> None:
    """Check that no option was typed that the measurement does not use.

    Raises:
        UsageError: naming the options.
    """
    unused = [f"--{name}" for name in context.params if name not in used and is_given(context, name)]
    if unused:
        raise UsageError(f"{what} makes no use of {', '.join(unused)}. Leave that out.")


def check_installed(*modules: str) -> None:
    """Check that packages are installed, without importing them: locust and LitServe change others when imported.

    Raises:
        UsageError: naming those that are not.
    """
    if missing := [name for name in modules if find_spec(name) is None]:
        raise UsageError(f"This needs {' and '.join(missing)}: run `make bench`, or pip install -e '.[cpu,dev]'.")


@contextmanager
def _errors_in_one_line() -> Iterator[None]:
    try:
        yield
    except BenchmarkError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(error.exit_code) from None
    except (SettingsError, WeightsError) as error:
        typer.echo("; ".join(str(error).splitlines()), err=True)
        raise typer.Exit(UsageError.exit_code) from None


if __name__ == "__main__":
    app(prog_name="python -m benchmarks")
