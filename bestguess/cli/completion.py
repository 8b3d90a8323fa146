"""What a shell may complete that only the service knows: quick, and silent where it does not answer."""

from __future__ import annotations

import contextlib
import itertools
import re
from typing import TYPE_CHECKING

import typer  # noqa: TC002 - Typer reads the annotations

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bestguess.client import Client

SECONDS = 1.0  # for one answer; a shell hangs for so long
MOST = 50
PLAIN, SPECIAL = re.compile(r"[\w.-]+", re.ASCII), re.compile(r"[^\w ,.-]", re.ASCII)


def jobs(context: typer.Context, incomplete: str) -> list[tuple[str, str]]:
    """Complete a job's id."""
    with contextlib.suppress(Exception), _client(context) as client:
        listed = itertools.islice(client.jobs(), MOST)
        return _beginning(incomplete, ((job.id, job.status) for job in listed))
    return []


def datasets(context: typer.Context, incomplete: str) -> list[tuple[str, str]]:
    """Complete a data set's id."""
    with contextlib.suppress(Exception), _client(context) as client:
        listed = itertools.islice(client.datasets(), MOST)
        return _beginning(incomplete, ((dataset.id, dataset.name) for dataset in listed))
    return []


def models(context: typer.Context, incomplete: str) -> list[tuple[str, str]]:
    """Complete a model's id or an alias."""
    return _models(context, incomplete, pretrained=True)


def finished_jobs(context: typer.Context, incomplete: str) -> list[tuple[str, str]]:
    """Complete the id or an alias of a model that was trained there."""
    return _models(context, incomplete, pretrained=False)


def _models(context: typer.Context, incomplete: str, *, pretrained: bool) -> list[tuple[str, str]]:
    with contextlib.suppress(Exception), _client(context) as client:
        data = [model for model in client.models().data if pretrained or model.trained]
        names = ((name, model.title) for model in data for name in (*model.aliases, model.id))
        return _beginning(incomplete, names)
    return []


def _beginning(incomplete: str, found: Iterator[tuple[str, str]]) -> list[tuple[str, str]]:
    """Keep what continues a word, in letters that mean nothing to a shell: some evaluate what they are given."""
    names = ((name, words) for name, words in found if name.startswith(incomplete) and PLAIN.fullmatch(name))
    return [(name, SPECIAL.sub("", words)) for name, words in names]


def _client(context: typer.Context) -> Client:
    from bestguess.client import Client, Retries

    return Client(context.params.get("url"), timeout=SECONDS, retries=Retries(attempts=1))
