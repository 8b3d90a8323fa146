"""Photographs into classes: by their folders, or by the label that they came with."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from app.errors import Invalid, TooLarge
from jobs.datasets.archives.names import BadName, clean, passed_over, shown
from jobs.datasets.classes import Unlabelled, checked, layout, looks_like_a_picture
from jobs.datasets.model import Index, Refused

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from app.datasets.taking import Seen, Taken
    from jobs.datasets.model import Entry

MOST_CLASSES = 1000
FEWEST_CLASSES = 2
MOST_REJECTED = 1000  # in an index, which grows with each request, and is read for each
SHOWN = 20  # refused files in an error
AGAIN = "There is a photograph with this path already."
NOTHING_IN_IT = "There is no picture in this folder that can be used, so that it is no class."
HOW = "Send an archive with a folder for each class, and its photographs in it"


def by_folders(taken: Taken) -> Index:
    """Sort what came out of an archive.

    Raises:
        Invalid: there are not two classes.
        TooLarge: there are too many.
    """
    meant = [refused.path for refused in taken.rejected if looks_like_a_picture(refused.path)]
    found = layout([*(seen.path for seen in taken.seen), *meant])
    entries: dict[str, Entry] = {}
    for seen in taken.seen:
        try:
            label = found.label(seen.path)
        except Unlabelled as error:
            taken.refuse(seen.path, str(error))
            continue
        path = found.below(seen.path)
        if path in entries:
            taken.refuse(seen.path, AGAIN)
        else:
            entries[path] = seen._replace(path=path).entry(label)
    classes = {entry.label for entry in entries.values()}
    folders = {found.folder(path) for path in taken.folders} - classes - {None}
    for folder in sorted(str(folder) for folder in folders):
        taken.refuse(f"{folder}/", NOTHING_IN_IT)
    _check_classes(classes, taken.rejected)
    return _index(entries, taken.rejected)


def with_label(index: Index, taken: Taken) -> tuple[Index, int, int]:
    """Add photographs, whose paths begin with their class, to an index; say how many are new, and were there already.

    One that is called as another, as a telephone's often are, gets a name of its own.

    Raises:
        Invalid: not one can be used.
        TooLarge: there are too many classes then.
    """
    entries = {entry.path: entry for entry in index.photographs}
    before, unchanged = len(entries), 0
    for seen in taken.seen:
        path = _free_path(seen, entries)
        if path in entries:
            unchanged += 1
        else:
            entries[path] = seen._replace(path=path).entry(path.partition("/")[0])
    added = len(entries) - before
    if not added and not unchanged:
        raise _nothing(taken.rejected, "Send photographs as JPEG, PNG, WebP, GIF or BMP")
    if len({entry.label for entry in entries.values()}) > MOST_CLASSES:
        raise _too_many_classes()
    return _index(entries, [*index.rejected, *taken.rejected], index.rejected_more), added, unchanged


def label_of(text: str | None) -> str:
    """Return a class's name that may be one.

    Raises:
        Invalid: it may not.
    """
    try:
        label = clean(checked(text or ""))  # with spaces around it, it is no longer than the OpenAPI document says
        if "/" in label or "\\" in (text or "") or passed_over(label):
            raise BadName("It is a path, or begins with a dot.")
        return checked(label)
    except ValueError as error:
        message = f"no name for a class: {error}"
        raise Invalid(
            f"body.label: {message} Send the class of these photographs in the form's field 'label'.",
            errors=[{"loc": ["body", "label"], "msg": message, "type": "value_error"}],
        ) from None


def _index(entries: Mapping[str, Entry], rejected: Sequence[Refused], more: int = 0) -> Index:
    """Make an index; a file that was refused again for the same reason is in it once."""
    once = list(dict.fromkeys(rejected))
    more += len(once[MOST_REJECTED:])
    return Index(photographs=list(entries.values()), rejected=once[:MOST_REJECTED], rejected_more=more)


def _free_path(seen: Seen, entries: Mapping[str, Entry]) -> str:
    """Name a photograph as it came, or where another has that name, by its content as well."""
    there = entries.get(seen.path)
    if there is None or there.sha256 == seen.sha256:
        return seen.path
    path = PurePosixPath(seen.path)
    return str(path.with_name(f"{path.stem}-{seen.sha256[:16]}{path.suffix}"))


def _check_classes(classes: set[str], rejected: Sequence[Refused]) -> None:
    if not classes:
        raise _nothing(rejected, HOW)
    if len(classes) < FEWEST_CLASSES:
        (only,) = classes
        raise Invalid(
            f"There is one class only, '{only}', and a network learns to tell at least two apart. {HOW}; or make an "
            "empty data set, and add photographs with their labels.",
            **_members(rejected),
        )
    if len(classes) > MOST_CLASSES:
        raise _too_many_classes()


def _nothing(rejected: Sequence[Refused], how: str) -> Invalid:
    first = f" The first, {rejected[0].path}: {rejected[0].reason}" if rejected else ""
    return Invalid(f"There is no photograph in it that can be used.{first} {how}.", **_members(rejected))


def _members(rejected: Sequence[Refused]) -> dict[str, Any]:
    return {"rejected": [refused.model_dump() for refused in rejected[:SHOWN]], "rejected_total": len(rejected)}


def _too_many_classes() -> TooLarge:
    return TooLarge(f"There are more than {MOST_CLASSES:,} classes. Send fewer.")


def name_of(asked: str | None, file_name: str) -> str:
    """Name a data set: as it was asked for, or as its archive is called."""
    stem = file_name.replace("\\", "/").rpartition("/")[2]
    for ending in (".zip", ".tar", ".tar.gz", ".tgz"):
        stem = stem[: -len(ending)] if stem.lower().endswith(ending) else stem
    return (asked or shown(stem).strip() or "photographs")[:100]
