"""`bestguess train` and `bestguess finetune`: queue a training on the service's worker."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from bestguess.cli import completion
from bestguess.cli.datasets import brief, send
from bestguess.cli.format import plural
from bestguess.cli.options import Json, Key, Patience, Url, Watch, connect, examples, service_default
from bestguess.cli.output import note
from bestguess.cli.progress import print_queued

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bestguess.client import Client, Finetuning, Training


class Augmentation(StrEnum):
    """Random changes of the photographs; Typer takes no list of literals."""

    FLIP = "flip"
    CROP = "crop"
    COLOUR = "colour"


DATASET_PREFIX = "ds_"  # of every data set's id
TRAIN_EPILOG = examples(
    "bestguess train --watch",
    "bestguess train --steps 2000 --learning-rate 0.0005 --seed 1",
    "bestguess train --dataset synthetic-digits --watch",
)
FINETUNE_EPILOG = examples(
    "bestguess finetune pets/ --watch",
    "bestguess finetune DATASET --base efficientnet-lite0 --epochs 20 --patience 5",
    "bestguess finetune pets.zip --freeze 13 --augment flip --augment crop --class-weights balanced",
)
Source = Annotated[
    str,
    typer.Argument(
        metavar="FOLDER|DATASET",
        help="A folder with a folder for each class, an archive of one, or a data set's id.",
        autocompletion=completion.datasets,
    ),
]
Base = Annotated[
    str | None,
    typer.Option(
        help="The pretrained network, or a model fine-tuned before.  (default: the first that is served)",
        show_default=False,
        autocompletion=completion.models,
    ),
]


def train(
    *,
    steps: Annotated[int | None, service_default("Training steps, one batch each.", 1000, min=1, max=100_000)] = None,
    batch_size: Annotated[int | None, service_default("Images in a batch.", 50, min=1, max=1000)] = None,
    learning_rate: Annotated[float | None, service_default("The optimizer's learning rate.", 0.001)] = None,
    optimizer: Annotated[Literal["adam", "sgd"] | None, service_default("The optimizer.", "adam")] = None,
    report_every: Annotated[int | None, service_default("Steps between two reports.", 100, min=1, max=100_000)] = None,
    dropout: Annotated[float | None, service_default("Dropout rate of the dense layer.", 0.5, min=0)] = None,
    seed: Annotated[
        int | None, service_default("Makes the training repeatable.", "drawn", min=0, max=2**31 - 1)
    ] = None,
    dataset: Annotated[Literal["mnist", "synthetic-digits"] | None, service_default("The data set.", "mnist")] = None,
    watch: Watch = False,
    key: Key = None,
    patience: Patience = 30,
    json: Json = False,
    url: Url = None,
) -> None:
    """Train a small convolutional network on handwritten digits, on the service's worker.

    Prints the job's id. With --watch it shows the progress, and the accuracy at the end; Ctrl-C asks whether to cancel
    the job.
    """
    params: Training = {
        "steps": steps,
        "batch_size": batch_size,
        "learning_rate": learning_rate,
        "optimizer": optimizer,
        "report_every": report_every,
        "dropout": dropout,
        "seed": seed,
        "dataset": dataset,
    }
    with connect(url, patience) as client:
        print_queued(client, client.train(idempotency_key=key, **params), watch=watch, json=json)


def finetune(
    source: Source,
    *,
    base: Base = None,
    freeze: Annotated[
        int | None,
        service_default("How many weight layers, from the first, stay as they are.", "all but the last three", 0, 1000),
    ] = None,
    optimizer: Annotated[Literal["sgd", "adam"] | None, service_default("The optimizer.", "sgd")] = None,
    learning_rate: Annotated[float | None, service_default("The optimizer's learning rate.", 0.001)] = None,
    epochs: Annotated[int | None, service_default("Passes over the photographs.", 10, 1, 1000)] = None,
    batch_size: Annotated[int | None, service_default("Photographs in a batch.", 32, 1, 256)] = None,
    validation_split: Annotated[
        float | None, service_default("Part of each class kept for validation, to choose the best epoch.", 0.2, 0, 0.5)
    ] = None,
    augment: Annotated[
        list[Augmentation] | None, service_default("A random change of the photographs; repeatable.", "none")
    ] = None,
    patience: Annotated[
        int | None,
        service_default("Early stopping: epochs without a better validation accuracy.", "it goes on", 1, 1000),
    ] = None,
    class_weights: Annotated[
        list[str] | None, service_default("`balanced`, or CLASS=NUMBER, repeatable.", "all count the same")
    ] = None,
    seed: Annotated[int | None, service_default("Makes the training repeatable.", "drawn", 0, 2**31 - 1)] = None,
    name: Annotated[str | None, typer.Option("--name", help="A name for the data set made from a folder.")] = None,
    watch: Watch = False,
    key: Key = None,
    json: Json = False,
    url: Url = None,
) -> None:
    """Fine-tune a pretrained network on classes of your own photographs, on the service's worker.

    Prints the job's id. With --watch it prints a line per epoch, and at the end the accuracy and how to use the model;
    Ctrl-C asks whether to cancel the job.
    """
    params: Finetuning = {
        "freeze": freeze,
        "optimizer": optimizer,
        "learning_rate": learning_rate,
        "epochs": epochs,
        "batch_size": batch_size,
        "validation_split": validation_split,
        "augment": [change.value for change in augment or ()] or None,
        "patience": patience,
        "class_weights": _class_weights(class_weights or ()),
        "seed": seed,
    }
    with connect(url) as client:
        dataset_id = _dataset_id(client, source, name)
        params["base"] = base or _first_base(client)
        print_queued(client, client.finetune(dataset_id, idempotency_key=key, **params), watch=watch, json=json)


def _dataset_id(client: Client, source: str, name: str | None) -> str:
    """Return the id of a data set: the one given, or that of a new one made from the folder or archive."""
    path = Path(source)
    if not path.exists():
        if not source.startswith(DATASET_PREFIX):
            raise typer.BadParameter(
                f"there is no folder, no archive and no data set {source}", param_hint="FOLDER|DATASET"
            )
        if name:
            raise typer.BadParameter("an existing data set has its name already", param_hint="--name")
        return source
    made = send(client, path, name)
    total = made.rejected_total
    rejected = f"; {plural(total, 'file')} {'were' if total != 1 else 'was'} rejected"
    note(brief(made) + (f"{rejected}: see `bestguess datasets show {made.id}`" if total else ""))
    return made.id


def _first_base(client: Client) -> str:
    """Return the id of the first pretrained network that nothing stands in the way of, and tell which it is."""
    pretrained = [model for model in client.models().data if model.trained is None]
    found = next((model for model in pretrained if not model.status.trouble), pretrained[0])
    note(f"the base is {found.title} (--base {found.id})")
    return found.id


def _class_weights(words: Sequence[str]) -> Literal["balanced"] | Mapping[str, float] | None:
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
