"""Data sets in words, and how a folder becomes one."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from bestguess.cli.output import say

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from bestguess.client import Client
    from bestguess.schemas import DatasetAdded, DatasetBrief, DatasetDetail, RejectedFile
    from bestguess.schemas.datasets import Range

MOST_REJECTED = 10  # lines; --json has more of them


def send(client: Client, source: Path, name: str | None) -> DatasetDetail:
    """Make a data set of a folder or an archive; who watches is told that it takes a while."""
    if sys.stderr.isatty():
        say(f"sending {source} ...")
    return client.create_dataset(source, name)


def row(dataset: DatasetBrief) -> tuple[str, ...]:
    """Say the essentials of a data set."""
    classes = ", ".join(each.name for each in dataset.classes[:3]) + (" ..." if len(dataset.classes) > 3 else "")  # noqa: PLR2004 - what a line has room for
    rejected = f"{dataset.rejected_total:,}" if dataset.rejected_total else ""
    created = f"{dataset.created_at:%Y-%m-%d %H:%M} UTC"
    return dataset.id, dataset.name, f"{dataset.images:,}", classes, rejected, created


def facts(dataset: DatasetDetail) -> list[str]:
    """Say what a data set has in it, and what is to be said of its files."""
    lines = [brief(dataset), f"created {dataset.created_at:%Y-%m-%d %H:%M:%S} UTC, SHA-256 {dataset.sha256}"]
    wide = max((len(each.name) for each in dataset.classes), default=0)
    lines += [
        f"  {each.name.ljust(wide)}  {each.images:,} photographs, {pixels(each.width)} x {pixels(each.height)}"
        for each in dataset.classes
    ]
    lines += rejections(dataset.rejected, dataset.rejected_total)
    if dataset.duplicates_total:
        between = dataset.duplicates_between_classes
        total = dataset.duplicates_total
        words = f"{total:,} photograph{'s are' if total != 1 else ' is'} there several times"
        lines += [words + (f", {between:,} in several classes:" if between else "")]
        lines += [
            "  " + " = ".join(place.path for place in each.photographs) for each in dataset.duplicates[:between][:5]
        ]
    return lines


def brief(dataset: DatasetBrief) -> str:
    """Say in a line what a data set is."""
    classes, images = len(dataset.classes), dataset.images
    return (
        f"{dataset.id}: {dataset.name}, {images:,} photograph{'s' * (images != 1)} "
        f"of {classes} class{'es' * (classes != 1)}"
    )


def addition(added: DatasetAdded) -> list[str]:
    """Say what came of adding photographs."""
    words = f"{added.added:,} added, {added.unchanged:,} were there already"
    return [words, *rejections(added.rejected, len(added.rejected)), brief(added.dataset)]


def rejections(rejected: Sequence[RejectedFile], total: int) -> list[str]:
    """Say which files were not taken, and why."""
    if not total:
        return []
    shown = rejected[:MOST_REJECTED]
    lines = [f"{total:,} file{'s' * (total != 1)} rejected:", *(f"  {file.path}: {file.reason}" for file in shown)]
    return lines + ([f"  and {total - len(shown):,} more, which --json names"] if total > len(shown) else [])


def pixels(extent: Range) -> str:
    """Write how large photographs are."""
    return f"{extent.min}" if extent.min == extent.max else f"{extent.min}-{extent.max}"
