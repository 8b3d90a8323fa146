"""`bestguess datasets`: photographs of one's own, to learn from."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Annotated

import typer

from bestguess.cli import exit_codes
from bestguess.cli.options import DatasetId, Json, Patience, Url, Yes, examples

app = typer.Typer(
    help="Send, list, show and delete data sets of photographs.", no_args_is_help=True, epilog=exit_codes.EPILOG
)

TITLES = ("DATASET", "NAME", "PHOTOGRAPHS", "CLASSES", "REJECTED", "CREATED")
Source = Annotated[
    Path,
    typer.Argument(metavar="FOLDER", help="A folder with a folder for each class; or a zip, tar or tar.gz of one."),
]
Name = Annotated[
    str | None, typer.Option("--name", help="A name for people.  (default: the folder's)", show_default=False)
]


@app.command(epilog=examples("bestguess datasets create pets/", "bestguess datasets create pets.zip --name 'Our pets'"))
def create(source: Source, *, name: Name = None, patience: Patience = 30, json: Json = False, url: Url = None) -> None:
    """Send photographs: each class has a folder, whose name is the class's. Says what was rejected, and why."""
    from bestguess.cli.connection import connected
    from bestguess.cli.listing import put_one
    from bestguess.cli.photographs import facts, send

    with connected(url, patience) as client:
        put_one(send(client, source, name), facts, json=json)


@app.command("list", epilog=examples("bestguess datasets list", "bestguess datasets list --all --json"))
def list_datasets(
    *,
    limit: Annotated[int, typer.Option(min=1, help="How many at most, the newest first.")] = 20,
    every: Annotated[bool, typer.Option("--all", help="All there are.")] = False,
    json: Json = False,
    url: Url = None,
) -> None:
    """List data sets, the newest first. With --json each is a line of JSON."""
    from bestguess.cli.connection import connected
    from bestguess.cli.listing import put_all
    from bestguess.cli.photographs import row

    none = "there are no data sets; `bestguess datasets create FOLDER` makes one"
    with connected(url) as client:
        put_all(itertools.islice(client.datasets(), None if every else limit), TITLES, row, json=json, none=none)


@app.command(
    epilog=examples("bestguess datasets show DATASET", "bestguess datasets show DATASET --json | jq .rejected")
)
def show(dataset_id: DatasetId, *, json: Json = False, url: Url = None) -> None:
    """Show a data set: its classes, what was rejected and why, and which photographs are there several times."""
    from bestguess.cli.connection import connected
    from bestguess.cli.listing import put_one
    from bestguess.cli.photographs import facts

    with connected(url) as client:
        put_one(client.dataset(dataset_id), facts, json=json)


@app.command(
    epilog=examples("bestguess datasets add DATASET cats new/*.jpg", "bestguess datasets add DATASET cats more-cats/")
)
def add(
    dataset_id: DatasetId,
    label: Annotated[str, typer.Argument(metavar="CLASS", help="The class that all of them are of.")],
    files: Annotated[list[str], typer.Argument(metavar="FILE...", help="Pictures, folders and patterns.")],
    *,
    json: Json = False,
    url: Url = None,
) -> None:
    """Add photographs of one class; those that are there already change nothing."""
    from bestguess.cli import image_files
    from bestguess.cli.connection import connected
    from bestguess.cli.listing import put_one
    from bestguess.cli.photographs import addition

    with connected(url) as client:
        added = client.add_images(dataset_id, label, map(image_files.read, image_files.found(files)))
    put_one(added, addition, json=json)


@app.command(epilog=examples("bestguess datasets delete DATASET"))
def delete(dataset_id: DatasetId, *, yes: Yes = False, url: Url = None) -> None:
    """Remove a data set with its photographs; what was learned from it stays."""
    from bestguess.cli.connection import connected
    from bestguess.cli.listing import confirm_removal

    with connected(url) as client:
        dataset = client.dataset(dataset_id)
        confirm_removal(f"{dataset.id} ({dataset.name})", yes=yes, hint="DATASET")
        client.delete_dataset(dataset.id)
