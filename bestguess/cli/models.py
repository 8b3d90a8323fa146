"""`bestguess models`: the networks that can be asked."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from bestguess.cli import exit_codes
from bestguess.cli.options import Json, ModelId, Save, TrainedId, Url, Yes, examples, kind_of

app = typer.Typer(help="List, show, download, name and remove models.", no_args_is_help=True, epilog=exit_codes.EPILOG)

TITLES = ("MODEL", "ALSO", "STATE", "TEST ACCURACY", "FROM")
Sort = Annotated[Literal["created_at", "test_accuracy"] | None, typer.Option(help="The newest, or the best, first.")]
Place = Annotated[Path, typer.Argument(metavar="PATH", help="A file, or a folder for MODEL.keras.")]


@app.command("list", epilog=examples("bestguess models list --sort test_accuracy", "bestguess models list --json"))
def list_models(*, sort: Sort = None, json: Json = False, url: Url = None) -> None:
    """List the models: the pretrained ones, and those that were trained there. With --json each is a line of JSON."""
    from bestguess.cli.connection import connected
    from bestguess.cli.described import row
    from bestguess.cli.listing import put_all
    from bestguess.cli.output import say

    with connected(url) as client:
        found = client.models(sort)
    put_all(found.data, TITLES, row, json=json)
    if found.trouble:
        say(f"trained models are not among them: {found.trouble}")


@app.command(epilog=examples("bestguess models show vgg16", "bestguess models show latest --json"))
def show(model_id: ModelId, *, json: Json = False, url: Url = None) -> None:
    """Show a model: where it comes from, how good it is, and its layers."""
    from bestguess.cli.connection import connected
    from bestguess.cli.described import facts
    from bestguess.cli.listing import put_one

    with connected(url) as client:
        put_one(client.model(model_id), facts, json=json)


@app.command(epilog=examples("bestguess models download latest", "bestguess models download best digits.keras"))
def download(model_id: TrainedId, path: Place = Path(), *, url: Url = None) -> None:
    """Save a trained model as a .keras file, once its SHA-256 is right."""
    from bestguess.cli.connection import connected
    from bestguess.cli.output import shown

    with connected(url) as client:
        typer.echo(shown(client.download(model_id, path)))


@app.command(epilog=examples("bestguess models report latest", "bestguess models report best --save report.png"))
def report(model_id: TrainedId, *, save: Save = None, json: Json = False, url: Url = None) -> None:
    """Say how good a trained model is: accuracy, each class, and which are taken for which."""
    from bestguess.cli.connection import connected
    from bestguess.cli.described import findings
    from bestguess.cli.listing import put_one
    from bestguess.cli.telling import save as write

    kind = kind_of(save)
    with connected(url) as client:
        found = client.report(model_id)
        if save:
            write(save, client.report_picture(model_id, kind))
    put_one(found, findings, json=json)


@app.command(epilog=examples("bestguess models remove MODEL"))
def remove(
    model_id: TrainedId,
    *,
    yes: Yes = False,
    url: Url = None,
) -> None:
    """Remove a trained model, with its file, its report and its aliases."""
    from bestguess.cli.connection import connected
    from bestguess.cli.listing import confirm_removal

    with connected(url) as client:
        model = client.model(model_id)
        confirm_removal(model.id, yes=yes, hint="MODEL")
        client.delete(model.id)


@app.command(epilog=examples("bestguess models alias production best", "bestguess models alias --drop production"))
def alias(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A name of your own: a-z, 0-9, '.', '_' and '-'.")],
    model_id: Annotated[str | None, typer.Argument(metavar="MODEL", help="The model it is to stand for.")] = None,
    *,
    drop: Annotated[bool, typer.Option("--drop", help="Forget the name; its model stays.")] = False,
    url: Url = None,
) -> None:
    """Let a name stand for a trained model, wherever an id does."""
    from bestguess.cli.connection import connected
    from bestguess.cli.output import shown

    if (model_id is None) is not drop:
        raise typer.BadParameter("name a model, or say --drop", param_hint="MODEL")
    with connected(url) as client:
        if model_id is None:
            client.drop_alias(name)
            return
        set_to = client.set_alias(name, model_id)
    typer.echo(f"{shown(set_to.name)} is {shown(set_to.model_id)}")
