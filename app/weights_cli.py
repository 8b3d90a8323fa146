"""`bestguess weights`: where VGG16's weights are, whether they are right, and how to get them."""

from __future__ import annotations

import threading
from pathlib import Path  # noqa: TC003 - Typer reads the annotations
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from app.inference.progress import progress_bar
from app.settings import SettingsError, load_settings
from vision.download import DownloadError, download, part_of
from vision.files import size_of
from vision.random_weights import write_random
from vision.vgg import VGG16_WEIGHTS
from vision.weights import FoundWeights, WeightsError, WeightsMissing, expanded, find, identify, places, verify

if TYPE_CHECKING:
    from rich.progress import Progress

    from app.settings import Settings

app = typer.Typer(help="Find, download and check VGG16's weights.", no_args_is_help=True)

_USAGE = 2
_INTERRUPTED = 130  # what shells give a command that Ctrl-C ended
_WORDS = {
    "imagenet": "the official ImageNet weights",
    "random": "random weights, which nobody trained",
    "custom": "weights of your own",
}


@app.command()
def status() -> None:
    """Say where the weights were looked for, what is there, and what to do next."""
    settings = _settings()
    found, lines = _look(settings)
    typer.echo("\n  ".join([f"BESTGUESS_WEIGHTS={settings.weights}", *lines]))
    if found:
        typer.echo(f"Ready: `bestguess up` uses {_WORDS[found.origin]}.")
        return
    remote, target = VGG16_WEIGHTS.at(settings.mirror), _target(settings)
    typer.echo(f"Next: {'' if settings.weights == 'imagenet' else 'unset BESTGUESS_WEIGHTS; '}bestguess weights fetch")
    typer.echo(f"Without a network here: bring {remote.place} to {target}")


@app.command()
def fetch() -> None:
    """Download the official weights (553 MB) into the data folder; goes on where an earlier download stopped."""
    settings = _settings()
    target = _target(settings)
    try:
        with progress_bar() as bar:
            _download(settings, target, bar)
    except DownloadError as error:
        _fail(str(error))
    except KeyboardInterrupt:
        kept = f"{size_of(part_of(target)):,} of {VGG16_WEIGHTS.size:,} bytes are kept"
        _fail(f"Stopped; {kept}. `bestguess weights fetch` goes on from there.", _INTERRUPTED)
    typer.echo(f"{target}: {_WORDS['imagenet']}, verified.")
    if settings.weights != "imagenet":
        typer.echo(f"They are not used while BESTGUESS_WEIGHTS={settings.weights}.")


@app.command("verify")
def verify_command(
    path: Annotated[Path | None, typer.Argument(help="A file; without it, the one that the service would use.")] = None,
) -> None:
    """Make sure that a file is the official one, by its size and MD5: exit code 0, else 1."""
    try:
        found = verify(path, VGG16_WEIGHTS) if path else _found(_settings())
    except WeightsError as error:
        _fail(str(error))
    if not found.verified:
        _fail(f"{found.path or 'In memory'}: {_WORDS[found.origin]}, not the official file.")
    typer.echo(f"{found.path}: {_WORDS['imagenet']}, {found.size:,} bytes, {found.hash}.")


@app.command("random")
def random_command(
    path: Annotated[Path, typer.Argument(help="The .h5 to write, 553 MB.")],
    seed: Annotated[int, typer.Option(min=0, max=2**63 - 1, help="The same seed gives the same weights.")] = 0,
    force: Annotated[bool, typer.Option("--force", help="Replace the file if it exists.")] = False,
) -> None:
    """Write untrained weights in the official file's layout, for tests and benchmarks; they know no picture."""
    if path.is_dir():
        _fail(f"{path}: a folder. Name the file to write.")
    try:
        write_random(path, VGG16_WEIGHTS.layers, seed, force=force)
    except WeightsError as error:
        _fail(str(error))
    typer.echo(f"{path}: {_WORDS['random']}, seed {seed}. BESTGUESS_WEIGHTS={path} uses them.")


def _settings() -> Settings:
    try:
        return load_settings()
    except SettingsError as error:
        _fail("; ".join(str(error).splitlines()), _USAGE)


def _fail(message: str, code: int = 1) -> NoReturn:
    typer.echo(" ".join(message.split()), err=True)
    raise typer.Exit(code)


def _target(settings: Settings) -> Path:
    return places(VGG16_WEIGHTS, settings.data_dir)[0]


def _look(settings: Settings) -> tuple[FoundWeights | None, list[str]]:
    """Look everywhere: the weights that would be used, and a line on each place."""
    if settings.weights == "random":
        return find(VGG16_WEIGHTS, settings.weights, settings.data_dir), ["made up in memory, nothing to look for"]
    if settings.weights != "imagenet":
        result = _examine(expanded(settings.weights), official=False)
        return result[0], [result[1]]
    results = [_examine(path, official=True) for path in places(VGG16_WEIGHTS, settings.data_dir)]
    return next((found for found, _ in results if found), None), [line for _, line in results]


def _examine(path: Path, *, official: bool) -> tuple[FoundWeights | None, str]:
    try:
        found = (verify if official else identify)(path, VGG16_WEIGHTS)
    except WeightsMissing:
        begun = size_of(part_of(path))
        return None, f"{path}: not there" + (f", {begun:,} of {VGG16_WEIGHTS.size:,} bytes received" if begun else "")
    except WeightsError as error:
        return None, str(error)
    return found, f"{path}: {_WORDS[found.origin]}{', verified by size and MD5' if found.verified else ''}"


def _found(settings: Settings) -> FoundWeights:
    found = find(VGG16_WEIGHTS, settings.weights, settings.data_dir)
    if found is None:
        raise WeightsMissing(f"{_target(settings)}: not there, nor in Keras's cache. Run `bestguess weights fetch`.")
    return found


def _download(settings: Settings, target: Path, bar: Progress) -> None:
    def say(message: str, seconds: float) -> None:
        text = f"{message} Trying again in {seconds:.0f} s."
        bar.console.print(text, markup=False, highlight=False, soft_wrap=True)

    remote = VGG16_WEIGHTS.at(settings.mirror)
    task = bar.add_task("VGG16's weights", total=remote.size)
    download(
        remote.url,
        target,
        remote.size,
        (remote.algorithm, remote.digest),
        progress=lambda done, _: bar.update(task, completed=done),
        stop=threading.Event(),
        on_retry=say,
    )
