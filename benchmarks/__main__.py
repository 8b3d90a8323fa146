"""`python -m benchmarks`: the options, and who measures."""

from __future__ import annotations

import json
from contextlib import contextmanager
from pathlib import Path  # noqa: TC003 - Typer reads the annotations
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from benchmarks.asked import CONNECTIONS, RIVAL_CONNECTIONS, SIZES, Finetuning, Plan, connections_in, given, only
from benchmarks.problems import BenchError, Refused, require

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from rich.console import RenderableType


def bench(  # noqa: PLR0913 - a command's parameters are its options
    context: typer.Context,
    *,
    model: Annotated[
        Literal["vgg16", "efficientnet-lite0"],
        typer.Option(help="The network to measure; with --precision both, if not named."),
    ] = "vgg16",
    seconds: Annotated[float, typer.Option(min=0.5, max=600, help="Seconds for each measurement.")] = 15,
    connections: Annotated[str, typer.Option(help="Connections, a load for each number.")] = CONNECTIONS,
    photos: Annotated[Path | None, typer.Option(help="A folder of photographs; without it they are drawn.")] = None,
    beside: Annotated[bool, typer.Option(help="Measure beside a training job, too.")] = True,
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
    """Measure serving on this machine, training, or fine-tuning: it takes minutes, and wants the machine alone.

    The network alone, decoding alone, the running service under rising load, four times overload, a training beside it.
    """
    with _one_line(), _status() as say:
        _writable(out)
        if training:
            only(context, "--training", {"training", "steps", "out"})
            measured, report = _training(steps, say)
        elif finetune:
            only(context, "--finetune", {"finetune", "model", "photos", *SIZES, "out"})
            measured, report = _finetuning(Finetuning(model, images, epochs, freeze, photos), say)
        elif precision:
            only(context, "--precision", {"precision", "model", "photos", "out"})
            measured, report = _precision(photos, model if given(context, "model") else None, say)
        else:
            only(context, "A benchmark of serving", {*context.params} - {"steps", *SIZES})
            asked = connections_in(connections)
            if against:
                asked = tuple(sorted({*asked, *RIVAL_CONNECTIONS}))
            measured, report = _serving(Plan(model, seconds, asked, photos, beside, bool(against)), compare, say)
    _show(report)
    if out:
        out.write_text(json.dumps(measured, indent=2) + "\n")


def _serving(
    plan: Plan, compare: Path | None, say: Callable[[str], None]
) -> tuple[dict[str, Any], Iterable[RenderableType]]:
    require("locust", "psutil", *(("litserve",) if plan.against else ()))
    from benchmarks.compare import earlier  # noqa: PLC0415 - other commands start faster without
    from benchmarks.report import serving_report  # noqa: PLC0415
    from benchmarks.serving import measure_serving  # noqa: PLC0415

    before = earlier(compare, plan.model) if compare else None
    measured = measure_serving(plan, say)
    return measured, serving_report(measured, before)


def _training(steps: int, say: Callable[[str], None]) -> tuple[dict[str, Any], Iterable[RenderableType]]:
    from benchmarks.training_run import measure_training, training_data, training_table  # noqa: PLC0415 - as above

    say(f"training twice for {steps:,} steps")
    measured = measure_training(steps)
    return measured, (training_table(measured), training_data(measured))


def _finetuning(asked: Finetuning, say: Callable[[str], None]) -> tuple[dict[str, Any], Iterable[RenderableType]]:
    from benchmarks.finetuning_run import finetuning_data, finetuning_table, measure_finetuning  # noqa: PLC0415 - as above

    say(f"fine-tuning twice for {asked.epochs} epochs of {asked.images} photographs")
    measured = measure_finetuning(asked)
    return measured, (finetuning_table(measured), finetuning_data(measured))


def _precision(
    photos: Path | None, model: str | None, say: Callable[[str], None]
) -> tuple[dict[str, Any], Iterable[RenderableType]]:
    from benchmarks.precisions import measure_precisions, precision_table, precision_weights  # noqa: PLC0415 - as above
    from vision.networks import LITE0, NETWORKS, VGG16  # noqa: PLC0415

    measured = measure_precisions(photos, [NETWORKS[model]] if model else [VGG16, LITE0], say)
    return measured, (precision_table(measured), precision_weights(measured))


def _writable(out: Path | None) -> None:
    """Find out before minutes of measuring."""
    if out and not out.parent.is_dir():
        raise Refused(f"--out {out}: there is no folder {out.parent}. Make it, or name another file.")


@contextmanager
def _one_line() -> Iterator[None]:
    try:
        yield
    except BenchError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(error.exit_code) from None


@contextmanager
def _status() -> Iterator[Callable[[str], None]]:
    """Show on standard error what is being done."""
    from rich.console import Console  # noqa: PLC0415 - as above

    with Console(stderr=True).status("Measuring ...") as status:
        yield lambda words: status.update(f"Measuring: {words} ...")


def _show(report: Iterable[RenderableType]) -> None:
    from rich.console import Console  # noqa: PLC0415 - as above

    console = Console()
    for part in report:
        console.print(part, soft_wrap=True, highlight=False)


if __name__ == "__main__":
    typer.run(bench)
