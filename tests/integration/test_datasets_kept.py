"""Data sets that are there: looked at, listed, bounded, learned from and removed."""

import hashlib
import os
from pathlib import Path

import httpx

from app.settings import Settings
from jobs.ids import new_job_id
from support.dataset_uploads import add, made, refused, send
from support.datasets import pets, picture, zipped
from support.job_store import queued
from support.live_server import Live, Serve, live
from support.redis_server import LiveRedis
from support.stores import FullStore
from support.waiting import wait_until


def test_duplicates(visitor: httpx.Client) -> None:
    """The same content several times is kept, and told of: in several classes first, for there one must be wrong."""
    twice = {"cats/1b.png": picture(0), "dogs/cat.png": picture(1)}
    found = made(visitor, pets() | twice)
    assert (found["images"], found["duplicates_total"], found["duplicates_between_classes"]) == (6, 2, 1)
    mixed, same = found["duplicates"]
    assert mixed["photographs"] == [
        {"path": "cats/2.png", "label": "cats"},
        {"path": "dogs/cat.png", "label": "dogs"},
    ]
    assert same["sha256"] == hashlib.sha256(picture(0)).hexdigest()


def test_duplicates_with_long_paths(visitor: httpx.Client) -> None:
    """The path of a photograph that is there several times is cut, as that of a refused one is."""
    path = f"cats/{'x' * 500}.png"
    (same,) = made(visitor, pets() | {path: picture(0)})["duplicates"]
    assert [one["path"] for one in same["photographs"]] == ["cats/1.png", f"{path[:200]}..."]


def test_thumbnails(visitor: httpx.Client) -> None:
    """A photograph is shown small; of another data set, or of another size than may be, it is not."""
    found = made(visitor)
    sample = found["classes"][0]["samples"][0]
    shown = visitor.get(f"/datasets/{found['id']}/images/{sample}?size=16")
    assert (shown.status_code, shown.headers["Content-Type"]) == (200, "image/jpeg")
    assert shown.content[:3] == b"\xff\xd8\xff"
    refused(visitor.get(f"/datasets/{found['id']}/images/{'0' * 64}"), 404)
    refused(visitor.get(f"/datasets/{found['id']}/images/x"), 422)
    refused(visitor.get(f"/datasets/{found['id']}/images/{sample}?size=5000"), 422)


def test_pages(visitor: httpx.Client) -> None:
    """Data sets are listed the newest first, a page at a time, also from one that was removed meanwhile."""
    ids = [visitor.post("/datasets", params={"name": str(n)}).json()["id"] for n in range(5)]
    seen, after = [], {}
    while True:
        page = visitor.get("/datasets", params={"limit": 2} | after).json()
        seen += [one["id"] for one in page["data"]]
        if not page["has_more"]:
            break
        after = {"after": seen[-1]}
        assert visitor.delete(f"/datasets/{seen[-1]}").status_code == 204
    assert seen == sorted(ids, reverse=True)


def test_as_many_as_one_may_keep(visitor: httpx.Client) -> None:
    """Beyond the bound no more are made until one is removed, whichever way they come."""
    ids = [visitor.post("/datasets", params={"name": "x"}).json()["id"] for _ in range(6)]
    refused(visitor.post("/datasets", params={"name": "x"}), 409, "6 data sets", "Delete one")
    refused(send(visitor, zipped(pets())), 409, "Delete one")
    visitor.delete(f"/datasets/{ids[0]}")
    made(visitor)


def test_as_many_bytes_as_one_may_have(server: LiveRedis, tmp_path: Path) -> None:
    """The bound on bytes is the whole data set's, however many requests they come in; what is there costs nothing."""
    settings = Settings(redis_url=server.url, data_dir=tmp_path, decode_processes=1, max_dataset_bytes=5000)
    assert 4 * len(picture(1)) <= 5000 < 5 * len(picture(1))
    with live(settings) as service:
        found = made(service.client, {"cats/1.png": picture(1), "dogs/1.png": picture(2)})
        again = {"a": picture(1), "b": picture(2), "c": picture(3)}
        grown = add(service.client, found["id"], "birds", **again).json()["dataset"]
        assert add(service.client, found["id"], "birds", **again).json()["unchanged"] == 3
        refused(add(service.client, found["id"], "birds", d=picture(4), e=picture(5)), 413, "5,000 bytes", "Send fewer")
        assert service.client.get(f"/datasets/{found['id']}").json() == grown
        assert add(service.client, found["id"], "birds", d=picture(4)).json()["added"] == 1


def test_removed_with_its_files(visitor: httpx.Client, limited_api: Live) -> None:
    """Nothing is left of a removed data set, nor of what was refused on the way."""
    found = made(visitor)
    add(visitor, found["id"], "birds", a=picture(7))
    assert visitor.delete(f"/datasets/{found['id']}").status_code == 204
    refused(visitor.get(f"/datasets/{found['id']}"), 404)
    refused(visitor.delete(f"/datasets/{found['id']}"), 404)
    assert [
        path.name for path in (limited_api.state["settings"].data_dir / "models").iterdir() if found["id"] in path.name
    ] == []


def test_indexes_that_were_replaced(visitor: httpx.Client, limited_api: Live) -> None:
    """However often photographs are added, no more than the two newest indexes are kept, and all photographs."""
    found = made(visitor)
    for seed in range(4, 9):
        found = add(visitor, found["id"], "birds", **{f"x{seed}": picture(seed)}).json()["dataset"]
    folder = limited_api.state["settings"].data_dir / "models"
    assert len(list(folder.glob(f"{found['id']}-*/photographs.pack"))) == 6
    assert len(list(folder.glob(f"{found['id']}-*/index.json"))) == 2
    for one in found["classes"]:
        for sample in one["samples"]:
            assert visitor.get(f"/datasets/{found['id']}/images/{sample}").status_code == 200


def test_what_a_killed_api_has_left(serve: Serve, tmp_path: Path) -> None:
    """An API whose store is a bucket removes leftovers of uploads on its own machine, unless they may still run."""
    left, fresh = (tmp_path / "models" / f"ds_{name}.0a1b2c3d.tmp" for name in ("left", "fresh"))
    for folder in (left, fresh):
        folder.mkdir(parents=True)
        (folder / "1.upload").write_bytes(b"half")
    os.utime(left, (0, 0))
    with serve(artifacts_url="s3://bucket/models"):
        wait_until(lambda: not left.exists(), 30)
        assert fresh.exists()


def test_while_a_job_learns_from_it(visitor: httpx.Client, server: LiveRedis) -> None:
    """A data set stays as it is while a job that is not over names it; then it may grow, or go."""
    found = made(visitor)
    with FullStore(server.url) as store:
        queued(store)
        params = {"dataset_id": found["id"]}
        job = store.create("finetune", params, job_id=new_job_id(), most_queued=9)
        refused(visitor.delete(f"/datasets/{found['id']}"), 409, job.id, "cancel")
        refused(add(visitor, found["id"], "birds", a=picture(7)), 409, job.id)
        assert visitor.get(f"/datasets/{found['id']}").json() == found
        store.cancel(job.id)
    assert add(visitor, found["id"], "birds", a=picture(7)).json()["added"] == 1
    assert visitor.delete(f"/datasets/{found['id']}").status_code == 204
