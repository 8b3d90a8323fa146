"""`bestguess digit`: what a network that was trained here says of a digit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from bestguess.cli.completion import models
from bestguess.cli.options import Json, Patience, TopK, Url, examples

if TYPE_CHECKING:
    from bestguess.client import Client

EPILOG = examples("bestguess digit seven.png", "bestguess digit seven.png --model best --show-input")


def digit(
    file: Annotated[str, typer.Argument(metavar="FILE", help="A picture of a digit, drawn or on paper; - for stdin.")],
    *,
    model: Annotated[
        str | None,
        typer.Option(help="A trained model's id or alias.  (default: trained last)", autocompletion=models),
    ] = None,
    top_k: TopK = None,
    show_input: Annotated[bool, typer.Option("--show-input", help="Show what the network saw.")] = False,
    patience: Patience = 30,
    json: Json = False,
    url: Url = None,
) -> None:
    """Ask a trained network which digit this is. Without --model it is the one that was trained last."""
    from bestguess.cli import image_files, seen, telling
    from bestguess.cli.connection import connected

    with connected(url, patience) as client:
        asked = model or _latest(client)
        answer = client.classify(image_files.read(file), model=asked, top_k=top_k, show_input=show_input)
    if json:
        telling.as_json(file, answer)
        return
    telling.in_full(file, answer)
    if show_input and answer.input:
        seen.draw(answer.input)


def _latest(client: Client) -> str:
    """Name the network that learned digits last: the alias `latest` may stand for one that knows photographs."""
    models = client.models().data
    return next((model.id for model in models if model.trained and model.trained.kind == "mnist-train"), "latest")
