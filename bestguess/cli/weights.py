"""`bestguess weights`: where the weights of VGG16 and VGG-19 are, whether they are right, and how to get them."""

from __future__ import annotations

import threading
from pathlib import Path  # noqa: TC003 - Typer reads the annotations
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from bestguess.cli import exit_codes
from bestguess.cli.options import examples
from bestguess.cli.requires import fail, read_settings

if TYPE_CHECKING:
    from rich.progress import Progress

    from app.settings import Settings
    from vision.weights import FoundWeights, WeightsFile

app = typer.Typer(help="Find, download and check the weights of VGG16 and VGG-19.", no_args_is_help=True)

_WORDS = {
    "imagenet": "the official ImageNet weights",
    "random": "random weights, which nobody trained",
    "custom": "weights of your own",
}

Name = Literal["vgg16", "vgg19"]
Model = Annotated[
    Name | None, typer.Option("--model", help="The network; without it those of BESTGUESS_MODELS, vgg16 unless set.")
]


@app.command(epilog=examples("bestguess weights status", "bestguess weights status --model vgg19"))
def status(*, model: Model = None) -> None:
    """Say where the weights were looked for, what is there, and what to do next."""
    settings = read_settings()
    files = _files(settings, model)
    for file in files:
        if len(files) > 1:
            typer.echo(f"{file.network}:")
        _tell_status(settings, file)


def _tell_status(settings: Settings, file: WeightsFile) -> None:
    found, lines = _look(settings, file)
    typer.echo("\n  ".join([f"BESTGUESS_WEIGHTS={settings.weights}", *lines]))
    if found:
        typer.echo(f"Ready: `bestguess up` uses {_WORDS[found.origin]}.")
        return
    remote, target = file.at(settings.mirror), _target(settings, file)
    unset = "unset BESTGUESS_WEIGHTS; " if _is_named(settings, file) else ""
    typer.echo(f"Next: {unset}{file.command('fetch')}")
    typer.echo(f"Without a network here: bring {remote.place} to {target}")


@app.command(
    epilog=examples(
        "bestguess weights fetch",
        "bestguess weights fetch --model vgg19",
        "BESTGUESS_MIRROR=https://mirror.example/tensorflow bestguess weights fetch",
    )
)
def fetch(*, model: Model = None) -> None:
    """Download the official weights (VGG16's 553 MB, VGG-19's 575 MB) into the data folder, or go on with that."""
    settings = read_settings()
    for file in _files(settings, model):
        _fetch(settings, file)


def _fetch(settings: Settings, file: WeightsFile) -> None:
    from app.inference.progress import progress_bar
    from vision.download import DownloadError, part_of
    from vision.files import size_of

    target = _target(settings, file)
    try:
        with progress_bar() as bar:
            _download(settings, file, target, bar)
    except DownloadError as error:
        fail(str(error))
    except KeyboardInterrupt:
        kept = f"{size_of(part_of(target)):,} of {file.size:,} bytes are kept"
        fail(f"Stopped; {kept}. `{file.command('fetch')}` goes on from there.", exit_codes.INTERRUPTED)
    typer.echo(f"{target}: {_WORDS['imagenet']}, verified.")
    if _is_named(settings, file):
        typer.echo(f"They are not used while BESTGUESS_WEIGHTS={settings.weights}.")


@app.command("verify", epilog=examples("bestguess weights verify", "bestguess weights verify vgg16.h5"))
def verify_command(
    path: Annotated[Path | None, typer.Argument(help="A file; without it, the one that the service would use.")] = None,
    *,
    model: Model = None,
) -> None:
    """Make sure that a file is the official one, by its size and MD5: exit code 0, else 1."""
    from vision.weights import WeightsError, verify

    settings = read_settings()
    for file in _files(settings, model)[: 1 if path else None]:
        try:
            found = verify(path, file) if path else _found(settings, file)
        except WeightsError as error:
            fail(str(error))
        if not found.verified:
            fail(f"{found.path or 'In memory'}: {_WORDS[found.origin]}, not the official file.")
        typer.echo(f"{found.path}: {_WORDS['imagenet']}, {found.size:,} bytes, {found.hash}.")


@app.command("random", epilog=examples("bestguess weights random random.h5 --seed 1"))
def random_command(
    path: Annotated[Path, typer.Argument(help="The .h5 to write, 553 MB, or 575 MB for VGG-19.")],
    seed: Annotated[int, typer.Option(min=0, max=2**63 - 1, help="The same seed gives the same weights.")] = 0,
    force: Annotated[bool, typer.Option("--force", help="Replace the file if it exists.")] = False,
    model: Annotated[Name, typer.Option("--model", help="The network.")] = "vgg16",
) -> None:
    """Write untrained weights in the official file's layout, for tests and benchmarks; they know no picture."""
    from vision.random_weights import write_random
    from vision.weights import WeightsError

    file = _file_of(model)
    if path.is_dir():
        fail(f"{path}: a folder. Name the file to write.")
    try:
        write_random(path, file.layers, seed, force=force)
    except WeightsError as error:
        fail(str(error))
    use = f"BESTGUESS_WEIGHTS={path} uses them"
    if not file.has_path:
        use = f"BESTGUESS_WEIGHTS=FOLDER uses them, as {file.name} in it"
    typer.echo(f"{path}: {_WORDS['random']}, seed {seed}. {use}.")


def _file_of(model: str) -> WeightsFile:
    from vision.vgg import VGG16_WEIGHTS, VGG19_WEIGHTS

    return {file.network: file for file in (VGG16_WEIGHTS, VGG19_WEIGHTS)}[model]


def _files(settings: Settings, model: str | None) -> list[WeightsFile]:
    """List the files in question: of the network named, or of each that the service loads at its start."""
    from vision.networks import NETWORKS

    listed = [file for name in settings.listed if (file := NETWORKS[name].weights)]
    return [_file_of(model)] if model else listed or [_file_of("vgg16")]


def _is_named(settings: Settings, file: WeightsFile) -> bool:
    """Whether BESTGUESS_WEIGHTS asks for another than the official file."""
    from vision.weights import named

    return settings.weights == "random" or named(file, settings.weights) is not None


def _target(settings: Settings, file: WeightsFile) -> Path:
    from vision.weights import places

    return places(file, settings.data_dir)[0]


def _look(settings: Settings, file: WeightsFile) -> tuple[FoundWeights | None, list[str]]:
    """Look everywhere: the weights that would be used, and a line on each place."""
    from vision.weights import find, named, places

    if settings.weights == "random":
        return find(file, settings.weights, settings.data_dir), ["made up in memory, nothing to look for"]
    if path := named(file, settings.weights):
        result = _examine(path, file, official=False)
        return result[0], [result[1]]
    results = [_examine(path, file, official=True) for path in places(file, settings.data_dir)]
    return next((found for found, _ in results if found), None), [line for _, line in results]


def _examine(path: Path, file: WeightsFile, *, official: bool) -> tuple[FoundWeights | None, str]:
    from vision.download import part_of
    from vision.files import size_of
    from vision.weights import WeightsError, WeightsMissing, identify, verify

    try:
        found = (verify if official else identify)(path, file)
    except WeightsMissing:
        begun = size_of(part_of(path))
        return None, f"{path}: not there" + (f", {begun:,} of {file.size:,} bytes received" if begun else "")
    except WeightsError as error:
        return None, str(error)
    return found, f"{path}: {_WORDS[found.origin]}{', verified by size and MD5' if found.verified else ''}"


def _found(settings: Settings, file: WeightsFile) -> FoundWeights:
    from vision.weights import WeightsMissing, find

    found = find(file, settings.weights, settings.data_dir)
    if found is None:
        message = f"{_target(settings, file)}: not there, nor in Keras's cache. Run `{file.command('fetch')}`."
        raise WeightsMissing(message)
    return found


def _download(settings: Settings, file: WeightsFile, target: Path, bar: Progress) -> None:
    from vision.download import download

    def say(message: str, seconds: float) -> None:
        text = f"{message} Trying again in {seconds:.0f} s."
        bar.console.print(text, markup=False, highlight=False, soft_wrap=True)

    remote = file.at(settings.mirror)
    task = bar.add_task(f"the weights of {file.network}", total=remote.size)
    download(
        remote.url,
        target,
        remote.size,
        (remote.algorithm, remote.digest),
        progress=lambda done, _: bar.update(task, completed=done),
        stop=threading.Event(),
        on_retry=say,
    )
