"""`bestguess finetune`: a pretrained network learns classes of one's own."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from bestguess.cli.completion import datasets, models
from bestguess.cli.options import Json, Key, Url, Watch, decided, examples

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bestguess.client import Client, Finetuning


class Change(StrEnum):
    """How photographs may be changed; Typer takes no list of literals."""

    FLIP = "flip"
    CROP = "crop"
    COLOUR = "colour"


PREFIX = "ds_"  # of every data set's id
EPILOG = examples(
    "bestguess finetune pets/ --watch",
    "bestguess finetune DATASET --base efficientnet-lite0 --epochs 20 --patience 5",
    "bestguess finetune pets.zip --freeze 13 --augment flip --augment crop --class-weights balanced",
)
Source = Annotated[
    str,
    typer.Argument(
        metavar="FOLDER|DATASET",
        help="A folder with a folder for each class, an archive of one, or a data set's id.",
        autocompletion=datasets,
    ),
]
Base = Annotated[
    str | None,
    typer.Option(
        help="The network to begin with, or a model that was fine-tuned there.  (default: vgg16)",
        show_default=False,
        autocompletion=models,
    ),
]


def finetune(
    source: Source,
    *,
    base: Base = None,
    freeze: Annotated[
        int | None, decided("The first so many weight layers stay as they are.", "all but the last three", 0, 1000)
    ] = None,
    optimizer: Annotated[Literal["sgd", "adam"] | None, decided("How the weights follow the gradient.", "sgd")] = None,
    learning_rate: Annotated[float | None, decided("Of the optimizer.", 0.001)] = None,
    epochs: Annotated[int | None, decided("Times that each photograph is learned from.", 10, 1, 1000)] = None,
    batch_size: Annotated[int | None, decided("Photographs in a step.", 32, 1, 256)] = None,
    validation_split: Annotated[
        float | None, decided("Part of each class that is not learned from, to choose the best epoch by.", 0.2, 0, 0.5)
    ] = None,
    augment: Annotated[list[Change] | None, decided("A change by chance; may be given again.", "none")] = None,
    patience: Annotated[
        int | None, decided("Epochs without a better validation after which it ends.", "it goes on", 1, 1000)
    ] = None,
    class_weights: Annotated[
        list[str] | None, decided("`balanced`, or CLASS=NUMBER, which may be given again.", "all count the same")
    ] = None,
    seed: Annotated[int | None, decided("Makes the training repeatable.", "drawn", 0, 2**31 - 1)] = None,
    name: Annotated[
        str | None, typer.Option("--name", help="A name for the data set that is made of a folder.")
    ] = None,
    watch: Watch = False,
    key: Key = None,
    json: Json = False,
    url: Url = None,
) -> None:
    """Teach a pretrained network the classes of your own photographs, on the service's worker.

    Prints the job's id; with --watch an epoch a line, and at the end how well it does and how to ask it. Ctrl-C asks
    whether to cancel the job.
    """
    from bestguess.cli.connection import connected
    from bestguess.cli.following import queued

    params: Finetuning = {
        "base": base,
        "freeze": freeze,
        "optimizer": optimizer,
        "learning_rate": learning_rate,
        "epochs": epochs,
        "batch_size": batch_size,
        "validation_split": validation_split,
        "augment": [change.value for change in augment or ()] or None,
        "patience": patience,
        "class_weights": _weights(class_weights or ()),
        "seed": seed,
    }
    with connected(url) as client:
        dataset_id = _dataset(client, source, name)
        queued(client, client.finetune(dataset_id, idempotency_key=key, **params), watch=watch, json=json)


def _dataset(client: Client, source: str, name: str | None) -> str:
    """Take a data set by its id, or make one of what lies at this path."""
    from bestguess.cli.output import say
    from bestguess.cli.photographs import brief, send

    path = Path(source)
    if not path.exists():
        if not source.startswith(PREFIX):
            raise typer.BadParameter(
                f"there is no folder, no archive and no data set {source}", param_hint="FOLDER|DATASET"
            )
        if name:
            raise typer.BadParameter("a data set that is there has its name already", param_hint="--name")
        return source
    made = send(client, path, name)
    total = made.rejected_total
    rejected = f"; {total:,} file{'s were' if total != 1 else ' was'} rejected: see `bestguess datasets show {made.id}`"
    say(brief(made) + (rejected if total else ""))
    return made.id


def _weights(words: Sequence[str]) -> Literal["balanced"] | Mapping[str, float] | None:
    if list(words) == ["balanced"]:
        return "balanced"
    pairs = [word.rpartition("=") for word in words]
    try:
        weights = {label: float(number) for label, _, number in pairs}
    except ValueError:
        weights = {"": 0.0}
    if "" in weights:
        raise typer.BadParameter("say balanced, or CLASS=NUMBER such as cats=2", param_hint="--class-weights")
    return weights or None
