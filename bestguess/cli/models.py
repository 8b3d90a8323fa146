"""`bestguess models`: list, show, report on, download, name and remove models."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from bestguess.cli import exit_codes
from bestguess.cli.format import make_table, percent, printable
from bestguess.cli.options import (
    Json,
    ModelId,
    Save,
    TrainedId,
    Url,
    Yes,
    connect,
    examples,
    picture_format,
    save_picture,
)
from bestguess.cli.output import confirm_removal, note, padded_lines, print_item, print_list

if TYPE_CHECKING:
    from bestguess.schemas import Model, ModelDetail, TrainedInfo
    from bestguess.schemas.report import Report

app = typer.Typer(help="List, show, download, name and remove models.", no_args_is_help=True, epilog=exit_codes.EPILOG)

TITLES = ("MODEL", "ALSO", "STATE", "TEST ACCURACY", "FROM")
LARGEST_MATRIX = 16  # classes; a larger confusion matrix fits no terminal
Sort = Annotated[Literal["created_at", "test_accuracy"] | None, typer.Option(help="The newest, or the best, first.")]
Target = Annotated[Path, typer.Argument(metavar="PATH", help="A file, or a folder for MODEL.keras.")]


@app.command("list", epilog=examples("bestguess models list --sort test_accuracy", "bestguess models list --json"))
def list_models(*, sort: Sort = None, json: Json = False, url: Url = None) -> None:
    """List the models: the pretrained ones, and those that were trained there. With --json each is a line of JSON."""
    with connect(url) as client:
        found = client.models(sort)
    print_list(found.data, TITLES, _row, json=json)
    if found.trouble:
        note(f"trained models are missing from the list: {found.trouble}")


@app.command(epilog=examples("bestguess models show vgg16", "bestguess models show latest --json"))
def show(model_id: ModelId, *, json: Json = False, url: Url = None) -> None:
    """Show a model: where it comes from, its accuracy, and its layers."""
    with connect(url) as client:
        print_item(client.model(model_id), _facts, json=json)


@app.command(epilog=examples("bestguess models download latest", "bestguess models download best digits.keras"))
def download(model_id: TrainedId, path: Target = Path(), *, url: Url = None) -> None:
    """Save a trained model as a .keras file, after its SHA-256 is verified."""
    with connect(url) as client:
        typer.echo(printable(client.download(model_id, path)))


@app.command(epilog=examples("bestguess models report latest", "bestguess models report best --save report.png"))
def report(model_id: TrainedId, *, save: Save = None, json: Json = False, url: Url = None) -> None:
    """Report how good a trained model is: its accuracy, its confusion matrix, and its hardest classes."""
    picture = picture_format(save)
    with connect(url) as client:
        found = client.report(model_id)
        if save:
            save_picture(save, client.report_picture(model_id, picture))
    print_item(found, _findings, json=json)


@app.command(epilog=examples("bestguess models remove MODEL"))
def remove(model_id: TrainedId, *, yes: Yes = False, url: Url = None) -> None:
    """Remove a trained model, with its file, its report and its aliases."""
    with connect(url) as client:
        model = client.model(model_id)
        confirm_removal(model.id, yes=yes, hint="MODEL")
        client.delete(model.id)


@app.command(epilog=examples("bestguess models alias production best", "bestguess models alias --drop production"))
def alias(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The alias: a-z, 0-9, '.', '_' and '-'.")],
    model_id: Annotated[str | None, typer.Argument(metavar="MODEL", help="The model that it names.")] = None,
    *,
    drop: Annotated[bool, typer.Option("--drop", help="Remove the alias; its model stays.")] = False,
    url: Url = None,
) -> None:
    """Give a trained model an alias, which works wherever an id does."""
    if (model_id is None) is not drop:
        raise typer.BadParameter("name a model, or say --drop", param_hint="MODEL")
    with connect(url) as client:
        if model_id is None:
            client.drop_alias(name)
            return
        made = client.set_alias(name, model_id)
    typer.echo(f"{printable(made.name)} is {printable(made.model_id)}")


def _row(model: Model) -> tuple[str, ...]:
    trained = model.trained
    origin = f"{trained.created_at:%Y-%m-%d %H:%MZ}" if trained else model.title
    if trained and trained.parent:
        origin = f"{(trained.dataset or {}).get('name')}, {origin}"
    accuracy = percent(_accuracy(trained)) if trained else ""
    return model.id, ", ".join(model.aliases), model.status.state, accuracy, origin


def _facts(model: ModelDetail) -> list[str]:
    lines = [f"{model.id}: {model.title}", model.about]
    lines += [f"also: {', '.join(model.aliases)}"] if model.aliases else []
    lines += [f"state: {model.status.state}. {model.status.detail}"]
    lines += [model.status.action] if model.status.action else []
    lines += [f"{model.classes:,} classes, {model.parameters:,} parameters, {model.weight_layers} layers with weights"]
    lines += _training(model.trained) if model.trained else []
    lines += [model.trouble] if model.trouble else []
    lines += [
        f"  {layer.name}: {layer.kind} {' x '.join(map(str, layer.kernel))}, {layer.parameters:,}"
        for layer in model.layers
    ]
    return lines


def _training(trained: TrainedInfo) -> list[str]:
    """Return how a model was trained: for a fine-tuned one, also its classes and its base."""
    created, accuracy = f"{trained.created_at:%Y-%m-%d %H:%M} UTC", percent(_accuracy(trained)) or "none"
    lines = [f"trained {created}: {accuracy} right when tested"]
    if trained.classes:
        random = trained.root_weights is not None and trained.root_weights.origin == "random"
        base = f"from {trained.parent}, {trained.freeze} layers of which stayed"
        base += " (random weights)" if random else ""
        lines += [f"tells apart {', '.join(trained.classes)}"]
        lines += [f"{base}; epoch {trained.best_epoch} of {trained.epochs}"]
    params = "  ".join(f"{name}={value}" for name, value in trained.changed_params.items())
    lines += [params] if params else []
    return [*lines, f"SHA-256 {trained.sha256}, {trained.bytes:,} bytes"]


def _accuracy(trained: TrainedInfo) -> float | None:
    """Return the accuracy on data that the model was not trained on."""
    return trained.validation_accuracy if trained.test_accuracy is None else trained.test_accuracy


def _findings(report: Report) -> list[str]:
    """Return a report's accuracy, confusion matrix and hardest classes."""
    lines = [f"{report.model_id}: {percent(report.accuracy)} of {report.test_images:,} {report.tested_on} are right"]
    lines += [f"from {report.dataset.description}", ""]
    worst = sorted(report.per_class, key=lambda one: one.f1 or 0)[:3]
    hardest = ", ".join(f"{one.label} (F1 {percent(one.f1) or 'none'})" for one in worst)
    return [*lines, *_matrix(report), "", f"hardest: {hardest}"]


def _matrix(report: Report) -> list[str]:
    """Return the lines of the confusion matrix: a row for each true class, a column for each predicted one."""
    if len(report.classes) > LARGEST_MATRIX:
        return [f"The confusion matrix of {len(report.classes)} classes is in --json, and drawn by --save."]
    rows = zip(report.classes, report.confusion_matrix, strict=True)
    table = make_table(("", *report.classes), ([name, *map(str, counts)] for name, counts in rows), right=True)
    return ["rows: true class; columns: predicted class", *padded_lines(table)]
