"""An index in figures: classes, sizes, duplicates, and the hash of the whole content."""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from typing import TYPE_CHECKING

from jobs.datasets.archives.names import shown
from jobs.datasets.model import ClassFacts, Duplicate, Index, Place, Span, Summary

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from jobs.datasets.model import Entry

SAMPLES = 6  # of a class
MOST_SHOWN = 200  # entries of a list in the record, which is in Redis's memory; the index has all photographs
PLACES = 5  # of one content


def by_class(photographs: Iterable[Entry]) -> dict[str, list[Entry]]:
    """Sort photographs into their classes, which stand in the order of their names, as the network's outputs will."""
    classes = defaultdict(list)
    for entry in photographs:
        classes[entry.label].append(entry)
    return dict(sorted(classes.items()))


def content_hash(classes: Mapping[str, Iterable[str]]) -> str:
    """Hash classes, and the SHA-256 of each one's photographs: no paths, no order, but how often each is there.

    It is the SHA-256 of the JSON `[["class", ["sha256", ...]], ...]`, in ASCII and without spaces, sorted throughout.
    """
    content = [[name, sorted(hashes)] for name, hashes in sorted(classes.items())]
    return hashlib.sha256(json.dumps(content, separators=(",", ":")).encode()).hexdigest()


def summary(index: Index) -> Summary:
    """Put an index into figures; 20,000 photographs take a tenth of a second."""
    classes = by_class(index.photographs)
    duplicates = _duplicates(index.photographs)
    return Summary(
        classes=[_facts(name, entries) for name, entries in classes.items()],
        images=len(index.photographs),
        bytes=sum(entry.bytes for entry in index.photographs),
        sha256=content_hash({name: [entry.sha256 for entry in entries] for name, entries in classes.items()}),
        rejected=index.rejected[:MOST_SHOWN],
        rejected_total=len(index.rejected) + index.rejected_more,
        duplicates=[_shown(sha256, entries) for sha256, entries in duplicates[:MOST_SHOWN]],
        duplicates_total=len(duplicates),
        mixed=sum(_is_mixed(entries) for _, entries in duplicates),
    )


def _facts(name: str, entries: Sequence[Entry]) -> ClassFacts:
    contents = dict.fromkeys(entry.sha256 for entry in entries)
    return ClassFacts(
        name=name,
        images=len(entries),
        bytes=sum(entry.bytes for entry in entries),
        width=Span(min=min(entry.width for entry in entries), max=max(entry.width for entry in entries)),
        height=Span(min=min(entry.height for entry in entries), max=max(entry.height for entry in entries)),
        samples=list(contents)[:SAMPLES],
    )


def _duplicates(photographs: Iterable[Entry]) -> list[tuple[str, list[Entry]]]:
    """Find contents that are there several times; those in several classes, which cannot both be right, first."""
    contents = defaultdict(list)
    for entry in photographs:
        contents[entry.sha256].append(entry)
    several = [(sha256, entries) for sha256, entries in contents.items() if len(entries) > 1]
    return sorted(several, key=lambda one: not _is_mixed(one[1]))


def _is_mixed(entries: Iterable[Entry]) -> bool:
    return len({entry.label for entry in entries}) > 1


def _shown(sha256: str, entries: Sequence[Entry]) -> Duplicate:
    places = [Place(path=shown(entry.path), label=entry.label) for entry in entries[:PLACES]]
    return Duplicate(sha256=sha256, photographs=places)
