"""Data sets in a bucket, behind a real server of the S3 protocol."""

import secrets
from pathlib import Path

import pytest

from app.settings import Settings
from jobs.artifacts import ArtifactDamaged, open_store
from jobs.datasets.model import PACK
from jobs.datasets.opening import open_photographs
from support.datasets import pets, picture, zipped
from support.live_server import live
from support.redis_server import LiveRedis
from support.s3_server import live_s3
from support.stores import FullDatasets, FullStore
from worker.housekeeper import Housekeeper


def test_from_a_service_to_a_worker_elsewhere(
    store: FullStore, server: LiveRedis, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What one machine's service took in, another's shows, and a third reads to learn from, until it is removed."""
    with live_s3() as s3:
        for name, value in s3.environment.items():
            monkeypatch.setenv(name, value)
        url = f"{s3.url}/{secrets.token_hex(4)}"

        def machine(name: str) -> Settings:
            return Settings(redis_url=server.url, artifacts_url=url, data_dir=tmp_path / name, decode_processes=1)

        with live(machine("first")) as api:
            made = api.client.post("/datasets", files={"file": ("pets.zip", zipped(pets()))}).json()
            form = {"files": {"file": ("a.png", picture(9))}, "data": {"label": "birds"}}
            made = api.client.post(f"/datasets/{made['id']}/images", **form).json()["dataset"]
        with live(machine("second")) as api:
            place = f"/datasets/{made['id']}"
            assert api.client.get(place).json() == made
            for one in made["classes"]:
                assert api.client.get(f"{place}/images/{one['samples'][0]}").status_code == 200
        dataset, artifacts = FullDatasets(store).get(made["id"]), open_store(url, tmp_path / "third")
        photographs = open_photographs(dataset, artifacts, tmp_path / "cache")
        assert photographs.sha256 == made["sha256"]
        assert photographs.classes == ("birds", "cats", "dogs")
        contents = [picture(9), *pets().values()]
        assert [photographs.read(index) for index in range(5)] == contents
        left = [path for folder in ("first", "second", "third") for path in (tmp_path / folder).rglob("*.tmp")]
        assert left == []
        objects = s3.client()
        (pack,) = (path for path in objects.find(f"{url}/{dataset.parts[1].id}") if path.endswith(PACK))
        objects.pipe_file(pack, b"?" * len(picture(9)))
        with pytest.raises(ArtifactDamaged):
            open_photographs(dataset, artifacts, tmp_path / "other cache")
        FullDatasets(store).remove(made["id"])
        assert Housekeeper(store, artifacts, 60, 100).look()
        assert [path for path, about in objects.find(url, detail=True).items() if about["type"] == "file"] == []
