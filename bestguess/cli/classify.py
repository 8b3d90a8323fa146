"""`bestguess classify`: what pictures are of."""

from __future__ import annotations

import sys
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from bestguess.cli import exit_codes
from bestguess.cli.options import Fit, Json, MinScore, Model, Patience, Save, TopK, Url, examples, kind_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from bestguess.cli.sweep import Told
    from bestguess.client import Client, Question
    from bestguess.schemas import Classification

EPILOG = examples(
    "bestguess classify photo.jpg",
    "curl -s https://example.org/photo.jpg | bestguess classify -",
    "bestguess classify photo.jpg --save chart.png --top-k 5",
    "bestguess classify holidays/ --jobs 8 > guesses.jsonl",
    "bestguess classify --json photo.jpg | jq -r '.predictions[0].label'",
)
Files = Annotated[list[str], typer.Argument(metavar="FILE...", help="Pictures, folders, patterns, or - for stdin.")]
AtOnce = Annotated[int, typer.Option("--jobs", "-j", min=1, max=64, help="Pictures to ask about at once.")]


def classify(
    files: Files,
    *,
    top_k: TopK = None,
    min_score: MinScore = None,
    model: Model = None,
    fit: Fit = None,
    save: Save = None,
    jobs: AtOnce = 4,
    patience: Patience = 30,
    json: Json = False,
    url: Url = None,
) -> None:
    """Say what pictures are of: the best guesses of each, the best first.

    Folders are searched with all that is in them. Several pictures are told as JSON Lines, one a picture, where --json
    is given or the output is no terminal; one that cannot be classified is told of, and the others go on.
    """
    from bestguess.cli import image_files
    from bestguess.cli.connection import connected

    kind, many = kind_of(save), image_files.several(files)
    if save and many:
        raise typer.BadParameter("takes one picture, not several", param_hint="--save")
    question: Question = {"model": model, "top_k": top_k, "min_score": min_score, "fit": fit}
    with connected(url, patience) as client:
        if many:
            _many(client, files, question, jobs, as_lines=json or not sys.stdout.isatty())
        else:
            _one(client, files[0], question, (save, kind), json=json)


def _one(client: Client, name: str, question: Question, save: tuple[Path | None, str], *, json: bool) -> None:
    from bestguess.cli import image_files, telling

    image = image_files.read(name)
    answer = client.classify(image, **question)
    if save[0]:
        telling.save(save[0], client.classify_picture(image, save[1], **question))
    if json:
        telling.as_json(name, answer)
    else:
        telling.in_full(name, answer)


def _many(client: Client, files: Sequence[str], question: Question, at_once: int, *, as_lines: bool) -> None:
    from bestguess.cli import image_files, progress, sweep, telling

    def ask(name: str) -> Classification:
        return client.classify(image_files.read(name), **question)

    names = list(image_files.found(files))
    tell: Callable[[Told], None] = partial(telling.as_line if as_lines else telling.briefly)
    failed = 0
    beside = as_lines and sys.stdout.isatty()  # long lines, which a bar below would break
    with progress.over(len(names), hidden=beside) as advance, sweep.swept(names, ask, at_once) as answers:
        for told in answers:
            tell(told)
            failed += told.error is not None
            advance()
    telling.failures(failed, len(names))
    raise typer.Exit(exit_codes.FAILED if failed else 0)
