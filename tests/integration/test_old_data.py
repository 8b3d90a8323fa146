"""Data that an earlier version has left, opened by the service of today: see `tests/fixtures/README.md`."""

from __future__ import annotations

import json
import tarfile
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from bestguess.supervisor.redis import executables
from support.old_data import LAYOUTS, MARK, ROOT, Files, Service, answers, finished
from support.redis_server import LiveRedis
from support.s3_server import live_s3

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import httpx
    import redis

ARCHIVE = Path(__file__).parents[1] / "fixtures" / "old_data.tar.xz"
SHORT = {"steps": 1300, "epochs": 60}  # the checkpoints are at no more than 1,207 and 45


class Chosen(LiveRedis):
    """A server of a certain program."""

    def __init__(self, folder: Path, program: Path) -> None:
        super().__init__(folder)
        self._chosen = program

    def program(self) -> Path:  # type: ignore[override] # the other is static
        """Return the program."""
        return self._chosen


@pytest.fixture
def folder() -> Iterator[Path]:
    """Unpack the archive into a folder with a short path: that of a Unix socket has at most 100 bytes."""
    with tempfile.TemporaryDirectory(prefix="old-") as name:
        with tarfile.open(ARCHIVE) as archive:
            archive.extractall(name, filter="data")
        yield Path(name)


@contextmanager
def records(folder: Path, program: Path) -> Iterator[redis.Redis]:
    """Run a Redis on the records of a data folder."""
    server = Chosen(folder / "redis", program)
    try:
        server.start()
        with server.client() as client:
            yield client
    finally:
        server.stop()


def shorten(data: Path, checkpoints: Path, jobs: Iterable[str]) -> None:
    """Leave half-done jobs little more to do than their checkpoints have done: more takes time and shows nothing."""
    with records(data, next(executables())) as client:
        for job_id in jobs:
            params = json.loads(client.hget(f"bestguess:job:{job_id}", "params"))  # type: ignore[arg-type]
            client.hset(f"bestguess:job:{job_id}", "params", json.dumps(_shorter(params)))
            path = checkpoints / f"{job_id}.checkpoint" / "checkpoint.npz"
            with np.load(path, allow_pickle=False) as file:
                arrays = dict(file)
            identity = json.loads(str(arrays["identity"]))  # has the parameters, too
            identity["params"] = _shorter(identity["params"])
            np.savez(path, **(arrays | {"identity": np.array(json.dumps(identity, sort_keys=True))}))


def _shorter(params: dict[str, Any]) -> dict[str, Any]:
    return params | {name: most for name, most in SHORT.items() if name in params}


@contextmanager
def opened(folder: Path, layout: str) -> Iterator[tuple[httpx.Client, dict[str, Any]]]:
    """Run today's service on the old data folder, with the old bucket where there is one."""
    expected = json.loads((folder / layout / "expected.json").read_text())
    service = Service(ROOT, folder / layout / "data", {}, folder / f"{layout}.log")
    published = folder / layout / ("data/models" if layout == "folder" else "objects")
    shorten(service.data_dir, published, expected["half done"])
    if layout == "folder":
        with service.up(expected["key"]) as client:
            yield client, expected
        return
    with live_s3() as s3:
        objects, bucket = Files(published), Files(folder, s3)
        for path in objects.find("", ""):
            bucket.write(path, objects.read(path))
        environment = s3.environment | {"BESTGUESS_ARTIFACTS_URL": s3.url}
        with Service(ROOT, service.data_dir, environment, service.log).up(expected["key"]) as client:
            yield client, expected


@pytest.mark.parametrize("layout", LAYOUTS)
def test_opened_by_the_service_of_today(folder: Path, layout: str) -> None:
    """Keys, jobs, models, aliases and data sets are there, models answer as before, and half-done jobs go on."""
    with opened(folder, layout) as (client, expected):
        models, half_done = expected["models"], expected["half done"]
        jobs = client.get("/jobs", params={"limit": 100}).raise_for_status().json()["data"]
        assert {job["id"] for job in jobs} == {*models, *half_done, expected["cancelled"]}

        assert client.get("/jobs", headers={"Authorization": "Bearer bg_nobody"}).status_code == 401
        classify_only = {"Authorization": f"Bearer {expected['key for classify']}"}
        assert client.get("/jobs", headers=classify_only).status_code == 403

        dataset = client.get(f"/datasets/{expected['dataset']}").raise_for_status().json()
        assert [one["id"] for one in client.get("/datasets").json()["data"]] == [dataset["id"]]
        assert {one["name"]: one["images"] for one in dataset["classes"]} == {"class 0": 7, "class 1": 5, "class 2": 5}

        assert client.get(f"/jobs/{expected['cancelled']}").json()["status"] == "cancelled"
        aliases = {one["name"]: one["model_id"] for one in client.get("/models/aliases").json()["data"]}
        assert aliases.items() >= expected["alias"].items()
        assert {one["id"] for one in client.get("/models").json()["data"]} >= models.keys()
        for model_id, scores in answers(client, models).items():
            assert scores == pytest.approx(expected["answers"][model_id], abs=1e-4)

        for job_id in half_done:
            job = finished(client, job_id)
            assert job["status"] == "succeeded", job
            report = client.get(f"/models/{job_id}/report").raise_for_status().json()
            assert report["learning_curve"][0]["loss"] == MARK, "it did not go on from its checkpoint"
        answers(client, half_done)


@pytest.mark.parametrize("program", list(executables()), ids=lambda path: path.name)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_read_by_each_redis(folder: Path, layout: str, program: Path) -> None:
    """Redis 7.0 wrote the records; each server that `bestguess up` may choose reads them."""
    expected = json.loads((folder / layout / "expected.json").read_text())
    with records(folder / layout / "data", program) as client:
        jobs = [*expected["models"], *expected["half done"], expected["cancelled"]]
        found = {job: client.hget(f"bestguess:job:{job}", "status") for job in jobs}
    assert {found[job] for job in expected["models"]} == {"succeeded"}
    assert {found[job] for job in expected["half done"]} <= {"queued", "running"}
    assert found[expected["cancelled"]] == "cancelled"
