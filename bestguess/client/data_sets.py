"""The calls about data sets of one's own photographs: send, look at, add to, remove."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from bestguess.client._request import Call, content, name, nothing, shaped
from bestguess.client.errors import InvalidArgument
from bestguess.schemas import DatasetAdded, DatasetDetail, DatasetList

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from bestguess.client import images
    from bestguess.client.archive import Archive

PAGE = 100  # data sets; the most that the service gives at once
INTAKE = 1860.0  # seconds; the service takes half an hour, by default, to look at what came
AT_ONCE = 50  # files; one request's worth of work, so that progress can be told


def create(archive: Archive | None, title: str | None) -> Call[DatasetDetail]:
    """Send an archive, or begin an empty data set; sent twice it would be there twice."""
    headers = {"Content-Type": archive.media_type} if archive else {}
    return Call(
        "POST",
        "/datasets",
        shaped(DatasetDetail),
        {"name": title},
        headers,
        body=archive.body if archive else None,
        repeatable=False,
        timeout=INTAKE,
    )


def add(dataset_id: str, label: str, files: Sequence[tuple[str, bytes]]) -> Call[DatasetAdded]:
    """Add photographs of one class; the same once more change nothing."""
    path = f"/datasets/{name(dataset_id)}/images"
    parts = [("file", file) for file in files]
    return Call("POST", path, shaped(DatasetAdded), fields={"label": label}, files=parts, timeout=INTAKE)


def listed(after: str | None) -> Call[DatasetList]:
    """Look at a page of data sets, the newest first, from the one that follows `after`."""
    return Call("GET", "/datasets", shaped(DatasetList), {"limit": PAGE, "after": after})


def one(dataset_id: str) -> Call[DatasetDetail]:
    """Look at a data set."""
    return Call("GET", f"/datasets/{name(dataset_id)}", shaped(DatasetDetail))


def photograph(dataset_id: str, sha256: str, size: int) -> Call[bytes]:
    """Ask for one photograph, its longer side at most so many pixels."""
    path = f"/datasets/{name(dataset_id)}/images/{name(sha256)}"
    return Call("GET", path, content, {"size": size}, {"Accept": "image/jpeg"})


def delete(dataset_id: str) -> Call[None]:
    """Remove a data set; done twice, the second would be told that there is none."""
    return Call("DELETE", f"/datasets/{name(dataset_id)}", nothing, repeatable=False)


def batches(photographs: Iterable[images.Image]) -> Iterator[list[images.Image]]:
    """Divide photographs into requests.

    Raises:
        InvalidArgument: there is none.
    """
    every = iter(photographs)
    batch = list(islice(every, AT_ONCE))
    if not batch:
        raise InvalidArgument("There is no photograph to add")
    while batch:
        yield batch
        batch = list(islice(every, AT_ONCE))


def together(parts: Sequence[DatasetAdded]) -> DatasetAdded:
    """Make one answer of those to several requests: what came of all, and the data set as it is at the end."""
    return DatasetAdded(
        added=sum(part.added for part in parts),
        unchanged=sum(part.unchanged for part in parts),
        rejected=[file for part in parts for file in part.rejected],
        dataset=parts[-1].dataset,
    )
