"""`bestguess datasets`: send, list, show, extend and delete data sets of photographs."""

from __future__ import annotations

import itertools
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bestguess.cli import exit_codes, image_files
from bestguess.cli.format import make_table, plural
from bestguess.cli.options import All, DatasetId, Json, Limit, Patience, Url, Yes, connect, examples
from bestguess.cli.output import confirm_removal, note, print_item, print_list

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.table import Table

    from bestguess.client import Client
    from bestguess.schemas import DatasetAdded, DatasetBrief, DatasetDetail, RejectedFile
    from bestguess.schemas.datasets import Range

app = typer.Typer(
    help="Send, list, show and delete data sets of photographs.", no_args_is_help=True, epilog=exit_codes.EPILOG
)

TITLES = ("DATASET", "NAME", "PHOTOGRAPHS", "CLASSES", "REJECTED", "CREATED")
MOST_CLASSES = 3  # named in a list
MOST_REJECTED = 10  # lines; --json has all that the service tells
MOST_DUPLICATES = 5  # lines
Source = Annotated[
    Path,
    typer.Argument(metavar="FOLDER", help="A folder with a folder for each class; or a zip, tar or tar.gz of one."),
]
Name = Annotated[
    str | None, typer.Option("--name", help="A name for people.  (default: the folder's)", show_default=False)
]


@app.command(epilog=examples("bestguess datasets create pets/", "bestguess datasets create pets.zip --name 'Our pets'"))
def create(source: Source, *, name: Name = None, patience: Patience = 30, json: Json = False, url: Url = None) -> None:
    """Send photographs, in a folder for each class, named as the class is. Says which files were rejected, and why."""
    with connect(url, patience) as client:
        print_item(send(client, source, name), _facts, json=json)


@app.command("list", epilog=examples("bestguess datasets list", "bestguess datasets list --all --json"))
def list_datasets(*, limit: Limit = 20, every: All = False, json: Json = False, url: Url = None) -> None:
    """List data sets, the newest first. With --json each is a line of JSON."""
    empty = "there are no data sets; `bestguess datasets create FOLDER` makes one"
    with connect(url) as client:
        found = itertools.islice(client.datasets(), None if every else limit)
        print_list(found, TITLES, _row, json=json, empty=empty)


@app.command(
    epilog=examples("bestguess datasets show DATASET", "bestguess datasets show DATASET --json | jq .rejected")
)
def show(dataset_id: DatasetId, *, json: Json = False, url: Url = None) -> None:
    """Show a data set: its classes, which files were rejected and why, and duplicate photographs."""
    with connect(url) as client:
        print_item(client.dataset(dataset_id), _facts, json=json)


@app.command(
    epilog=examples("bestguess datasets add DATASET cats new/*.jpg", "bestguess datasets add DATASET cats more-cats/")
)
def add(
    dataset_id: DatasetId,
    label: Annotated[str, typer.Argument(metavar="CLASS", help="The class of all these photographs.")],
    files: Annotated[list[str], typer.Argument(metavar="FILE...", help="Images, folders and patterns.")],
    *,
    json: Json = False,
    url: Url = None,
) -> None:
    """Add photographs to one class; those that it has already are left as they are."""
    with connect(url) as client:
        added = client.add_images(dataset_id, label, map(image_files.read, image_files.expand(files)))
    print_item(added, _addition, json=json)


@app.command(epilog=examples("bestguess datasets delete DATASET"))
def delete(dataset_id: DatasetId, *, yes: Yes = False, url: Url = None) -> None:
    """Delete a data set with its photographs; models trained on it stay."""
    with connect(url) as client:
        dataset = client.dataset(dataset_id)
        confirm_removal(f"{dataset.id} ({dataset.name})", yes=yes, hint="DATASET")
        client.delete_dataset(dataset.id)


def send(client: Client, source: Path, name: str | None) -> DatasetDetail:
    """Make a data set from a folder or an archive; on a terminal, say that it takes a while."""
    if sys.stderr.isatty():
        note(f"sending {source} ...")
    return client.create_dataset(source, name)


def brief(dataset: DatasetBrief) -> str:
    """Return a data set in one line."""
    photographs, classes = plural(dataset.images, "photograph"), plural(len(dataset.classes), "class", "es")
    return f"{dataset.id}: {dataset.name}, {photographs} of {classes}"


def _row(dataset: DatasetBrief) -> tuple[str, ...]:
    classes = ", ".join(each.name for each in dataset.classes[:MOST_CLASSES])
    classes += " ..." if len(dataset.classes) > MOST_CLASSES else ""
    rejected = f"{dataset.rejected_total:,}" if dataset.rejected_total else ""
    created = f"{dataset.created_at:%Y-%m-%d %H:%MZ}"
    return dataset.id, dataset.name, f"{dataset.images:,}", classes, rejected, created


def _facts(dataset: DatasetDetail) -> list[str | Table]:
    created = f"created {dataset.created_at:%Y-%m-%d %H:%M:%S} UTC, SHA-256 {dataset.sha256}"
    facts: list[str | Table] = [brief(dataset), created, _class_table(dataset)]
    facts += _rejections(dataset.rejected, dataset.rejected_total)
    facts += _duplicates(dataset) if dataset.duplicates_total else []
    return facts


def _class_table(dataset: DatasetDetail) -> Table:
    """Return a row for each class: its name, its photographs, and their smallest and largest size."""
    rows = ((one.name, f"{one.images:,}", f"{_pixels(one.width)} x {_pixels(one.height)}") for one in dataset.classes)
    return make_table(("CLASS", "PHOTOGRAPHS", "PIXELS"), rows)


def _duplicates(dataset: DatasetDetail) -> list[str]:
    total, between = dataset.duplicates_total, dataset.duplicates_between_classes
    line = f"{plural(total, 'photograph')} {'are' if total != 1 else 'is'} there several times"
    paths = ["  " + " = ".join(place.path for place in each.photographs) for each in dataset.duplicates[:between]]
    return [line + (f", {between:,} in several classes:" if between else ""), *paths[:MOST_DUPLICATES]]


def _addition(added: DatasetAdded) -> list[str]:
    line = f"{added.added:,} added, {added.unchanged:,} were there already"
    return [line, *_rejections(added.rejected, len(added.rejected)), brief(added.dataset)]


def _rejections(rejected: Sequence[RejectedFile], total: int) -> list[str]:
    """Return which files were rejected, and why."""
    if not total:
        return []
    first = rejected[:MOST_REJECTED]
    lines = [f"{plural(total, 'file')} rejected:", *(f"  {file.path}: {file.reason}" for file in first)]
    return lines + ([f"  and {total - len(first):,} more, which --json names"] if total > len(first) else [])


def _pixels(extent: Range) -> str:
    return f"{extent.min}" if extent.min == extent.max else f"{extent.min}-{extent.max}"
