"""Shell completion of ids that the service knows: quick, and silent if it does not answer."""

from __future__ import annotations

import contextlib
import itertools
import re
from typing import TYPE_CHECKING

import typer  # noqa: TC002 - Typer reads the annotations

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bestguess.client import Client

SECONDS = 1.0  # for one answer; the shell hangs that long
MOST = 50  # suggestions
PLAIN, NOT_PLAIN = re.compile(r"[\w.-]+", re.ASCII), re.compile(r"[^\w ,.-]", re.ASCII)


def jobs(context: typer.Context, incomplete: str) -> list[tuple[str, str]]:
    """Complete a job's id."""
    with contextlib.suppress(Exception), _client(context) as client:
        listed = itertools.islice(client.jobs(), MOST)
        return _matching(incomplete, ((job.id, job.status) for job in listed))
    return []


def datasets(context: typer.Context, incomplete: str) -> list[tuple[str, str]]:
    """Complete a data set's id."""
    with contextlib.suppress(Exception), _client(context) as client:
        listed = itertools.islice(client.datasets(), MOST)
        return _matching(incomplete, ((dataset.id, dataset.name) for dataset in listed))
    return []


def models(context: typer.Context, incomplete: str) -> list[tuple[str, str]]:
    """Complete a model's id or alias."""
    return _models(context, incomplete, pretrained=True)


def finished_jobs(context: typer.Context, incomplete: str) -> list[tuple[str, str]]:
    """Complete the id or alias of a trained model."""
    return _models(context, incomplete, pretrained=False)


def networks(incomplete: str) -> list[str]:
    """Complete the id of a pretrained network with a weights file of its own."""
    with contextlib.suppress(ImportError):  # the service's packages may not be installed
        from vision.networks.registry import NETWORKS

        return [name for name, network in NETWORKS.items() if network.weights and name.startswith(incomplete)]
    return []


def _models(context: typer.Context, incomplete: str, *, pretrained: bool) -> list[tuple[str, str]]:
    with contextlib.suppress(Exception), _client(context) as client:
        data = [model for model in client.models().data if pretrained or model.trained]
        names = ((name, model.title) for model in data for name in (*model.aliases, model.id))
        return _matching(incomplete, names)
    return []


def _matching(incomplete: str, found: Iterator[tuple[str, str]]) -> list[tuple[str, str]]:
    """Return the names that continue a word, of plain letters only: some shells evaluate what they are given."""
    names = ((name, words) for name, words in found if name.startswith(incomplete) and PLAIN.fullmatch(name))
    return [(name, NOT_PLAIN.sub("", words)) for name, words in names]


def _client(context: typer.Context) -> Client:
    from bestguess.client import Client, Retries

    return Client(context.params.get("url"), timeout=SECONDS, retries=Retries(attempts=1))
