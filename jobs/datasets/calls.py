"""Each question to the records of data sets as a value, as `transitions` has them for jobs."""

from __future__ import annotations

import json
import uuid
from typing import TYPE_CHECKING

from pydantic_core import from_json

from jobs.damage import json_object, mended, reading
from jobs.datasets.model import Brief, Dataset, DatasetPage, Listed
from jobs.errors import DatasetChanged, DatasetNotFound, DatasetUsed, TooManyDatasets
from jobs.replies import Reply, moment, nothing, pairs, readable
from jobs.transitions import Call, Script, script

if TYPE_CHECKING:
    from collections.abc import Mapping

    from jobs.datasets.model import Draft

PUBLISHING_SECONDS = 6 * 3600.0  # in which what is being published has to get its record; then it is removed

LISTED = ("name", "owner", "version", "created_at", "brief")  # in the order of `list_datasets.lua`


def expect(part: str) -> Call[None]:
    """Say that something is about to be published."""
    return Call(_script("expect_part"), (part, int(PUBLISHING_SECONDS * 1000)), nothing)


def put(draft: Draft, most: int) -> Call[Dataset]:
    """Record a data set, or its next version."""
    brief = Brief.model_validate(draft.summary.model_dump()).model_dump_json()
    details = draft.summary.model_dump_json()
    parts = json.dumps([part.model_dump(mode="json") for part in draft.parts])
    new = draft.new_part or ""
    arguments = draft.id, draft.name, draft.owner, draft.before, brief, details, parts, new, most

    def parse(reply: Reply) -> Dataset:
        if reply == ["full"]:
            raise TooManyDatasets(most)
        return dataset(reply, draft.id)

    return Call(_script("put_dataset"), arguments, parse)


def get(dataset_id: str, whose: str) -> Call[Dataset]:
    """Read one."""
    return Call(_script("dataset"), (dataset_id, whose), lambda reply: dataset(reply, dataset_id))


def list_datasets(limit: int, after: str | None, whose: str) -> Call[DatasetPage]:
    """Read a page of them."""

    def parse(reply: Reply) -> DatasetPage:
        _, has_more, found = reply
        return DatasetPage(readable(listed, found), bool(has_more), found[-1][1] if found else None)

    return Call(_script("list_datasets"), (limit, after or "", whose), parse)


def count(owner: str) -> Call[int]:
    """Count an owner's."""
    return Call(_script("count_datasets"), (owner,), lambda reply: int(reply[1]))


def remove(dataset_id: str, whose: str) -> Call[None]:
    """Remove one."""
    arguments = dataset_id, whose, uuid.uuid4().hex

    def parse(reply: Reply) -> None:
        _refuse(reply, dataset_id)
        mended("dataset", dataset_id)

    return Call(_script("remove_dataset"), arguments, parse)


def leftovers(limit: int) -> Call[list[str]]:
    """Find files to be removed."""
    return Call(_script("left_parts"), (limit,), lambda reply: list(reply[1]))


def files_removed(part: str) -> Call[None]:
    """Note that files are gone."""
    return Call(_script("part_removed"), (part,), nothing)


def dataset(reply: Reply, dataset_id: str) -> Dataset:
    """Make `dataset id hash` a data set.

    Raises:
        DatasetNotFound, DatasetUsed, DatasetChanged: the reply says so.
        RecordDamaged: the hash cannot be read.
    """
    _refuse(reply, dataset_id)
    _, found_id, flat = reply
    with reading("dataset", found_id):
        record = pairs(flat)
        parts = {"parts": from_json(record["parts"])}
        return Dataset.model_validate(json_object(record["details"]) | _about(found_id, record) | parts)


def listed(reply: Reply, dataset_id: str) -> Listed:
    """Make `dataset id fields` a data set without its details.

    Raises:
        RecordDamaged: the fields cannot be read.
    """
    with reading("dataset", dataset_id):
        if reply[2] is None:
            raise ValueError("its key is of another type")
        record = dict(zip(LISTED, reply[2], strict=True))
        return Listed.model_validate(json_object(record["brief"]) | _about(dataset_id, record))


def _about(dataset_id: str, record: Mapping[str, str]) -> dict[str, object]:
    about = {"id": dataset_id, "name": record["name"], "owner": record["owner"], "version": int(record["version"])}
    return about | {"created_at": moment(record["created_at"])}


def _refuse(reply: Reply, dataset_id: str) -> None:
    match reply:
        case ["missing"]:
            raise DatasetNotFound(dataset_id)
        case ["used", job_id]:
            raise DatasetUsed(dataset_id, job_id)
        case ["changed"]:
            raise DatasetChanged(dataset_id)


def _script(name: str) -> Script:
    return script(name, "data")
