"""Uploads of photographs with both clients."""

from __future__ import annotations

import io
import json
import tarfile
from typing import TYPE_CHECKING

import httpx
import pytest

from bestguess.client import InvalidArgument, InvalidImage, ServiceUnreachable
from bestguess.client.archive import dataset_name, files_in
from support.datasets import pets, tarred, zipped
from support.scripted_server import NEVER, QUICK, Says, both, ok, problem

if TYPE_CHECKING:
    from pathlib import Path

DATASET = {
    "id": "ds_1",
    "name": "pets",
    "created_at": "2026-11-26T12:00:00Z",
    "version": 1,
    "images": 4,
    "bytes": 4,
    "sha256": "0" * 64,
    "classes": [],
    "rejected_total": 0,
    "duplicates_total": 0,
    "duplicates_between_classes": 0,
    "rejected": [],
    "duplicates": [],
}
ADDED = {"added": 1, "unchanged": 2, "rejected": [{"path": "x", "reason": "y"}], "dataset": DATASET}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Make a folder with two classes and with the hidden files of operating systems."""
    for name, data in pets().items():
        path = tmp_path / "pets" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    (tmp_path / "pets" / ".DS_Store").write_bytes(b"x")
    (tmp_path / "pets" / "cats" / "Thumbs.db").write_bytes(b"x")
    return tmp_path / "pets"


def test_a_folder_is_sent_as_one_archive(folder: Path) -> None:
    """A folder is sent as a tar file without owners and times, complete at each attempt."""
    for script, call in both(problem(429, headers={"Retry-After": "0"}), ok(DATASET), retries=QUICK):
        assert call("create_dataset", folder).id == "ds_1"
        first, second = script.requests
        assert first.content == second.content
        assert second.url.params["name"] == "pets"
        assert second.headers["Content-Type"] == "application/x-tar"
        assert int(second.headers["Content-Length"]) == len(second.content)
        with tarfile.open(fileobj=io.BytesIO(second.content)) as archive:
            found = {member.name: archive.extractfile(member).read() for member in archive}
            assert not any(member.uname or member.uid or member.mtime for member in archive)
        assert found == pets()


@pytest.mark.parametrize(
    ("name", "data", "kind"),
    [
        ("my.zip", zipped(pets()), "application/zip"),
        ("my.tar.gz", tarred(pets()), "application/gzip"),
        ("my.tar", tarred(pets(), "w"), "application/x-tar"),
    ],
)
def test_an_archive_is_sent_as_it_is(tmp_path: Path, name: str, data: bytes, kind: str) -> None:
    """An archive is recognised by its content and sent unchanged, named after its file without the extension."""
    path = tmp_path / name
    path.write_bytes(data)
    for script, call in both(ok(DATASET)):
        call("create_dataset", path)
        (request,) = script.requests
        assert (request.content, request.headers["Content-Type"]) == (data, kind)
        assert request.url.params["name"] == "my"


def test_an_empty_data_set(tmp_path: Path) -> None:
    """Without a source only the name is sent."""
    for script, call in both(ok(DATASET)):
        call("create_dataset", name="pets")
        assert (script.requests[0].content, str(script.requests[0].url.query, "ascii")) == (b"", "name=pets")
    assert dataset_name(tmp_path / "a.b") == "a.b"


def test_what_is_not_sent(tmp_path: Path) -> None:
    """An empty folder, a file that is not an archive, and no photographs at all are refused before sending."""
    (tmp_path / "notes.txt").write_text("no archive")
    (tmp_path / "empty").mkdir()
    for script, call in both(ok(DATASET)):
        for source in (tmp_path / "empty", tmp_path / "notes.txt"):
            with pytest.raises(InvalidArgument, match=source.name):
                call("create_dataset", source)
        with pytest.raises(InvalidArgument):
            call("add_images", "ds_1", "cats", [])
        with pytest.raises(FileNotFoundError):
            call("create_dataset", tmp_path / "nothing")
        assert not script.requests


def test_not_made_twice(folder: Path) -> None:
    """A data set that the service may have received is not sent again; a broken archive raises `InvalidImage`."""
    for script, call in both(httpx.ReadError("broke")):
        with pytest.raises(ServiceUnreachable):
            call("create_dataset", folder)
        assert len(script.requests) == 1
    for _, call in both(problem(400, "not-an-archive"), retries=NEVER):
        with pytest.raises(InvalidImage):
            call("create_dataset", folder)


def test_many_photographs_are_several_requests() -> None:
    """Photographs are sent fifty in a request, each with its label and a stable name; the responses are summed."""
    for script, call in both(httpx.ReadError("broke"), ok(ADDED)):
        answer = call("add_images", "ds_1", "cats", (bytes([number]) for number in range(120)))
        assert (answer.added, answer.unchanged, len(answer.rejected)) == (3, 6, 3)
        again, *bodies = [request.content for request in script.requests]
        assert [body.count(b"filename=") for body in (again, *bodies)] == [50, 50, 50, 20]
        assert all(body.count(b'name="label"\r\n\r\ncats') == 1 for body in bodies)
        names = {line for body in bodies for line in body.split(b"\r\n") if b"filename=" in line}
        assert len(names) == 120


def test_all_pages() -> None:
    """Data sets are listed to the end."""
    pages = [Says(json={"data": [DATASET | {"id": f"ds_{n}"}], "has_more": n < 3}) for n in (1, 2, 3)]
    for script, call in both(*pages):
        assert [each.id for each in call("datasets")] == ["ds_1", "ds_2", "ds_3"]
        assert [request.url.params.get("after") for request in script.requests] == [None, "ds_1", "ds_2"]


def test_links_in_a_folder(folder: Path) -> None:
    """Links to photographs elsewhere are followed; a link to a folder above is not."""
    (folder / "birds").symlink_to(folder / "cats")
    (folder / "dogs" / "again").symlink_to(folder)
    found = [str(path.relative_to(folder)) for path in files_in(folder)]
    assert len(found) == 4
    (folder / "dogs" / "3.png").symlink_to(folder / "cats" / "1.png")
    assert len(list(files_in(folder))) == 5


def test_a_fine_tuning_is_asked_for() -> None:
    """Parameters that are None are not sent, and a broken connection queues no second job."""
    job = {
        "id": "job_1",
        "kind": "finetune",
        "status": "queued",
        "created_at": "2026-11-26T12:00:00Z",
        "params": {},
        "progress": {},
        "history": [
            {"epoch": 1, "step": 3, "train_accuracy": 0.5, "loss": 1.0, "validation_accuracy": 0.75, "future": 1}
        ],
    }
    for script, call in both(httpx.ReadError("broke"), ok(job)):
        found = call("finetune", "ds_1", epochs=2, freeze=None, augment=["flip"])
        assert (found.history[0].epoch, found.history[0].validation_accuracy) == (1, 0.75)
        first, second = script.requests
        assert first.content == second.content
        assert json.loads(first.content) == {"dataset_id": "ds_1", "epochs": 2, "augment": ["flip"]}
        assert first.headers["Idempotency-Key"] == second.headers["Idempotency-Key"]
