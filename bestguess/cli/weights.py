"""`bestguess weights`: find, download and verify the weights of the pretrained networks."""

from __future__ import annotations

import threading
from pathlib import Path  # noqa: TC003 - Typer reads the annotations
from typing import TYPE_CHECKING, Annotated

import typer

from bestguess.cli import completion, exit_codes
from bestguess.cli.options import examples
from bestguess.cli.output import fail
from bestguess.cli.requires import read_settings, require_server

if TYPE_CHECKING:
    from rich.progress import Progress

    from app.settings import Settings
    from vision.networks.weights import FoundWeights, WeightsFile

app = typer.Typer(help="Find, download and verify the weights of the pretrained networks.", no_args_is_help=True)

_ORIGINS = {
    "imagenet": "the official ImageNet weights",
    "random": "random weights, which nobody trained",
    "custom": "weights of your own",
}

Model = Annotated[
    str | None,
    typer.Option(
        "--model",
        metavar="NETWORK",
        help="The network; without it those of BESTGUESS_MODELS.",
        autocompletion=completion.networks,
    ),
]


@app.command(epilog=examples("bestguess weights status", "bestguess weights status --model vgg19"))
def status(*, model: Model = None) -> None:
    """Show where the weights were looked for, what was found, and what to do next."""
    require_server("weights status")
    settings = read_settings()
    files = _files(settings, model)
    for file in files:
        if len(files) > 1:
            typer.echo(f"{file.network}:")
        _print_status(settings, file)


def _print_status(settings: Settings, file: WeightsFile) -> None:
    found, lines = _look(settings, file)
    typer.echo("\n  ".join([f"BESTGUESS_WEIGHTS={settings.weights}", *lines]))
    if found:
        typer.echo(f"Ready: `bestguess up` uses {_ORIGINS[found.origin]}.")
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
    """Download the official weights, about half a gigabyte a network, into the data folder, or resume that."""
    require_server("weights fetch")
    settings = read_settings()
    for file in _files(settings, model):
        _fetch(settings, file)


def _fetch(settings: Settings, file: WeightsFile) -> None:
    from app.inference.loader import progress_bar
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
    typer.echo(f"{target}: {_ORIGINS['imagenet']}, verified.")
    if _is_named(settings, file):
        typer.echo(f"They are not used while BESTGUESS_WEIGHTS={settings.weights}.")


@app.command("verify", epilog=examples("bestguess weights verify", "bestguess weights verify vgg16.h5"))
def verify_command(
    path: Annotated[Path | None, typer.Argument(help="A file; without it, the one that the service would use.")] = None,
    *,
    model: Model = None,
) -> None:
    """Verify that a file is the official one, by its size and MD5: exit code 0 if so, else 1."""
    require_server("weights verify")
    from vision.networks.weights import WeightsError, verify

    settings = read_settings()
    for file in _files(settings, model)[: 1 if path else None]:
        try:
            found = verify(path, file) if path else _found(settings, file)
        except WeightsError as error:
            fail(str(error))
        if not found.verified:
            fail(f"{found.path or 'In memory'}: {_ORIGINS[found.origin]}, not the official file.")
        typer.echo(f"{found.path}: {_ORIGINS['imagenet']}, {found.size:,} bytes, {found.hash}.")


@app.command("random", epilog=examples("bestguess weights random random.h5 --seed 1"))
def random_command(
    path: Annotated[Path, typer.Argument(help="The .h5 to write, about half a gigabyte.")],
    seed: Annotated[int, typer.Option(min=0, max=2**63 - 1, help="The same seed makes the same weights.")] = 0,
    force: Annotated[bool, typer.Option("--force", help="Replace the file if it exists.")] = False,
    model: Annotated[
        str | None,
        typer.Option(
            "--model",
            metavar="NETWORK",
            help="The network; without it the first that `weights status` knows.",
            autocompletion=completion.networks,
        ),
    ] = None,
) -> None:
    """Write untrained weights in the official file's layout, for tests and benchmarks."""
    require_server("weights random")
    from vision.networks.random_weights import write_random
    from vision.networks.weights import WeightsError

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
    typer.echo(f"{path}: {_ORIGINS['random']}, seed {seed}. {use}.")


def _file_of(network: str | None) -> WeightsFile:
    """Return a network's weights file; without a name, that of the first network.

    Raises:
        typer.BadParameter: there is no such network, or its weights come with a package.
    """
    from vision.networks.registry import NETWORKS

    files = {name: each.weights for name, each in NETWORKS.items() if each.weights}
    network = network or next(iter(files))
    if network not in files:
        names = ", ".join(map(repr, files))
        raise typer.BadParameter(f"{network!r} is not one of {names}", param_hint="--model")
    return files[network]


def _files(settings: Settings, network: str | None) -> list[WeightsFile]:
    """Return the weights file of the network that is named, or of each that the service loads at its start."""
    from vision.networks.registry import NETWORKS

    if network:
        return [_file_of(network)]
    return [file for name in settings.listed if (file := NETWORKS[name].weights)] or [_file_of(None)]


def _is_named(settings: Settings, file: WeightsFile) -> bool:
    """Return whether BESTGUESS_WEIGHTS asks for other weights than the official file."""
    from vision.networks.weights import named

    return settings.weights == "random" or named(file, settings.weights) is not None


def _target(settings: Settings, file: WeightsFile) -> Path:
    from vision.networks.weights import places

    return places(file, settings.data_dir)[0]


def _look(settings: Settings, file: WeightsFile) -> tuple[FoundWeights | None, list[str]]:
    """Return the weights that would be used, and a line on each place that was looked at."""
    from vision.networks.weights import find, named, places

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
    from vision.networks.weights import WeightsError, WeightsMissing, identify, verify

    try:
        found = (verify if official else identify)(path, file)
    except WeightsMissing:
        begun = size_of(part_of(path))
        return None, f"{path}: not there" + (f", {begun:,} of {file.size:,} bytes received" if begun else "")
    except WeightsError as error:
        return None, str(error)
    return found, f"{path}: {_ORIGINS[found.origin]}{', verified by size and MD5' if found.verified else ''}"


def _found(settings: Settings, file: WeightsFile) -> FoundWeights:
    from vision.networks.weights import WeightsMissing, find

    found = find(file, settings.weights, settings.data_dir)
    if found is None:
        message = f"{_target(settings, file)}: not there, nor in Keras's cache. Run `{file.command('fetch')}`."
        raise WeightsMissing(message)
    return found


def _download(settings: Settings, file: WeightsFile, target: Path, bar: Progress) -> None:
    from vision.download import download

    def on_retry(message: str, seconds: float) -> None:
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
        on_retry=on_retry,
    )
