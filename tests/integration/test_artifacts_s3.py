"""Artifacts in a bucket, behind a real server of the S3 protocol."""

import os
import secrets
import socket
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest

from app.settings import Settings
from bestguess.schemas.jobs import JobStatus
from jobs.artifacts import ArtifactDamaged, ArtifactStore, ArtifactsUnavailable, open_store
from jobs.artifacts.bucket import BucketStore
from jobs.errors import LeaseLost
from support.artifacts import read_meta
from support.images import encoded, seven
from support.live_server import live
from support.s3_server import BUCKET, READER, LiveS3, live_s3
from support.waiting import wait_until
from support.worker_processes import LONG, START, Workplace, assert_whole, kill, timed
from worker.keeping import keep

SEVEN = encoded(seven(), "PNG")
CONTENT = secrets.token_bytes(6_000_000)
DIGEST = sha256(CONTENT).hexdigest()


@pytest.fixture(scope="module")
def s3() -> Iterator[LiveS3]:
    """One server for all tests of the file; each leaves it running."""
    with live_s3() as server:
        yield server


@pytest.fixture
def url(s3: LiveS3, monkeypatch: pytest.MonkeyPatch) -> str:
    """A place in the bucket that no other test uses, with the keys for it in the environment."""
    for name, value in s3.environment.items():
        monkeypatch.setenv(name, value)
    return f"{s3.url}/{secrets.token_hex(4)}"


@pytest.fixture
def store(url: str, tmp_path: Path) -> ArtifactStore:
    """A store in that place."""
    return open_store(url, tmp_path)


def write(folder: Path) -> None:
    """Save a network and its report."""
    (folder / "model.keras").write_bytes(CONTENT)
    (folder / "report.json").write_text("{}")


def objects(s3: LiveS3, url: str) -> list[str]:
    """Name what lies below a URL; this server keeps folders that have become empty, which others do not have."""
    return [path for path, about in s3.client().find(url, detail=True).items() if about["type"] == "file"]


def test_from_one_machine_to_another(store: ArtifactStore, url: str, s3: LiveS3, tmp_path: Path) -> None:
    """What one machine publishes another fetches and verifies, until it is removed, and then nothing is left of it."""
    artifact = store.publish("job_1", 1, write, {"test_accuracy": 0.9})
    other = open_store(url, tmp_path / "other")
    assert other.exists("job_1")
    meta = read_meta(other, "job_1")
    assert (meta["test_accuracy"], meta["files"]["model.keras"]["sha256"]) == (0.9, DIGEST)
    for name, file in artifact.files.items():
        path = other.fetch("job_1", name, file.sha256, tmp_path / "cache")
        assert sha256(path.read_bytes()).hexdigest() == file.sha256
    assert list((tmp_path / "models").iterdir()) == []
    other.remove("job_1")
    assert not store.exists("job_1")
    assert objects(s3, url) == []


def test_the_later_owner_wins_in_a_bucket(store: ArtifactStore, url: str, s3: LiveS3) -> None:
    """A later owner's files take the place of an earlier one's, who cannot put theirs back."""
    store.publish("job_1", 1, write, {})
    store.publish("job_1", 2, write, {})
    with pytest.raises(LeaseLost):
        store.publish("job_1", 1, write, {})
    assert read_meta(store, "job_1")["fence"] == 2
    assert len(objects(s3, url)) == 3


def test_a_changed_object(store: ArtifactStore, url: str, s3: LiveS3, tmp_path: Path) -> None:
    """An object that somebody has changed is not taken for the network that the job recorded."""
    store.publish("job_1", 1, write, {})
    [path] = [path for path in objects(s3, url) if path.endswith("/model.keras")]
    s3.client().pipe_file(path, CONTENT[:-1] + b"?")
    with pytest.raises(ArtifactDamaged, match=DIGEST):
        store.fetch("job_1", "model.keras", DIGEST, tmp_path / "cache")
    assert not list((tmp_path / "cache").rglob("*.keras"))


def test_what_a_killed_publisher_left_in_a_bucket(store: ArtifactStore, url: str, s3: LiveS3) -> None:
    """Files without their meta data count for nobody, and are swept by their age."""
    s3.client().pipe_file(f"{url}/job_1/3-abcd/model.keras", b"half")
    assert not store.exists("job_1")
    assert store.sweep() == []
    assert store.sweep(older_than=0) == ["job_1/3-abcd"]
    assert objects(s3, url) == []


@pytest.mark.parametrize(("name", "value"), [("AWS_SECRET_ACCESS_KEY", "wrong"), ("AWS_ACCESS_KEY_ID", READER)])
def test_keys_that_are_refused(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    """A wrong key, or one that may not write, is told of at once, with what to check."""
    monkeypatch.setenv(name, value)
    with timed(10), pytest.raises(ArtifactsUnavailable, match="Check the keys") as error:
        open_store(url, tmp_path).publish("job_1", 1, write, {})
    assert not error.value.passing


def test_no_keys(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where there are no keys at all, that is said."""
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    with pytest.raises(ArtifactsUnavailable, match=r"credentials\. Check the keys"):
        open_store(url, tmp_path).exists("job_1")


def test_no_bucket(url: str, tmp_path: Path) -> None:
    """A bucket that does not exist is not made, and told of."""
    with pytest.raises(ArtifactsUnavailable, match="Make the bucket"):
        open_store(url.replace(BUCKET, "elsewhere"), tmp_path).publish("job_1", 1, write, {})


def test_nobody_there(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that is not up is told of within seconds, and may be up later."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # and never listens
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{taken.getsockname()[1]}")
        with timed(10), pytest.raises(ArtifactsUnavailable, match="Is it up") as error:
            open_store(url, tmp_path).exists("job_1")
    assert error.value.passing


def test_a_silent_server(s3: LiveS3, url: str, tmp_path: Path) -> None:
    """A server that takes connections and never answers is told of within the time it has, and used again after."""
    store = BucketStore(url, tmp_path, answer_seconds=2)
    with s3.hung(), timed(2), pytest.raises(ArtifactsUnavailable, match=r"no answer in time\. Is it up"):
        store.publish("job_1", 1, write, {})
    # As a worker does: on a busy machine the server may take longer once more.
    assert keep(lambda: store.publish("job_1", 1, write, {}), lambda: False, pause=0.1).model.sha256 == DIGEST


def test_cancel_while_the_server_is_silent(place: Workplace, s3: LiveS3, url: str) -> None:
    """A job whose network waits for a silent server is cancelled in time, and nothing of it comes into the bucket."""
    place.start(artifacts_url=url, checkpoint_seconds=60)
    job_id = place.submit(**LONG | {"steps": 800})  # seconds in which the server can be made silent
    place.steps(job_id, 10)
    with s3.hung():
        wait_until(lambda: list((place.data_dir / "models").glob(f"{job_id}.*/meta.json")), START)
        trainer = place.trainer(job_id)
        place.store.cancel(job_id)
        with timed(2):
            place.wait(job_id, JobStatus.CANCELLED)
        wait_until(lambda: is_gone(trainer), START)
    assert objects(s3, url) == []


def test_another_machine_goes_on(place: Workplace, s3: LiveS3, url: str, tmp_path: Path) -> None:
    """After kill -9 a worker with another data folder goes on from the bucket's checkpoint, and publishes there.

    An API with a third folder then serves what was published, and removes it.
    """
    client = s3.client()
    worker = place.start(artifacts_url=url)
    job_id = place.submit(**LONG)
    checkpoint = f"{url}/{job_id}.checkpoint/checkpoint.npz"
    place.steps(job_id, 20)
    wait_until(lambda: client.exists(checkpoint), START, 0.1)
    kill(worker)
    before = place.job(job_id)
    assert before.status is JobStatus.RUNNING
    client.get_file(checkpoint, tmp_path / "checkpoint.npz")
    steps = before.progress.step // 10 * 10 + 100
    place.shorten(job_id, tmp_path / "checkpoint.npz", steps=steps)
    client.put_file(tmp_path / "checkpoint.npz", checkpoint)
    place.run_out(job_id)
    place.start(artifacts_url=url, data_dir=tmp_path / "other", checkpoint_seconds=60)
    job = place.wait(job_id, JobStatus.SUCCEEDED)
    assert_whole(job, steps)
    assert (job.attempt, before.history) == (2, job.history[: len(before.history)])
    result = job.result or {}
    store = open_store(url, tmp_path)
    for name, file in result["files"].items():
        assert store.fetch(job_id, name, file["sha256"], tmp_path / "cache").stat().st_size == file["bytes"]
    assert {"meta.json", "model.keras"} <= set(result["files"])
    assert result["sha256"] == result["files"]["model.keras"]["sha256"]
    wait_until(lambda: sorted(path.rpartition("/")[2] for path in objects(s3, url)) == sorted(result["files"]), 60)
    settings = Settings(redis_url=place.redis.url, artifacts_url=url, data_dir=tmp_path / "third", decode_processes=1)
    with live(settings) as api:
        answer = api.client.post(f"/models/{job_id}/classify", files={"file": SEVEN})
        assert answer.status_code == 200, answer.text
        assert len(answer.json()["predictions"]) == 10
        assert sha256(api.client.get(f"/models/{job_id}/download").content).hexdigest() == result["sha256"]
        assert api.client.get(f"/models/{job_id}/report").json()["job_id"] == job_id
        assert api.client.delete(f"/models/{job_id}").status_code == 204
    assert objects(s3, url) == []


def is_gone(pid: int) -> bool:
    """Say whether a process has ended."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False
