"""Data as a version of this product leaves them: `PYTHONPATH=tests python -m support.old_data ARCHIVE [WORKTREE]`.

Runs the service of a Git worktree (by default this one) and writes an archive (.tar.xz) of what it leaves. The service
is seen from outside only, by its commands, its environment variables and HTTP, so that any version can be run. It runs
twice: with its models in a folder, and with them in a bucket. Each run leaves:

- `data/`: the data folder with Redis's append-only file, the key file and the digits; in the first run models as well
- `objects/`: the objects of the bucket, in the second run
- `expected.json`: ids, the API key, and what each network answered

Jobs and models: a finished job of each kind, networks fine-tuned at several cuts, one from another, a cancelled job,
and two half-done jobs with checkpoints: one was given back by its worker, the other's worker was killed.

To make the archive small, nearly all numbers of large arrays are set to zero, and the checksums follow.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import h5py
import httpx
import numpy as np
import redis
from PIL import Image, ImageDraw

from support.ports import free_port
from support.s3_server import BUCKET, LiveS3, live_s3
from support.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
LAYOUTS = {"folder": (45, 50, 48), "bucket": (48,)}  # how many layers are frozen: at each another cut
LITE0 = "efficientnet-lite0"
DONE = ("succeeded", "failed", "cancelled")
START, TRAIN = 300, 600  # seconds, on a busy machine
LARGE, KEPT_EACH = 5_000, 997  # of an array with more numbers one in so many is kept
MARK = 77.0  # a loss that no training has: the first one in the ledger of a checkpoint
# How workers started before `python -m worker`, which the code of an older commit does not have.
WORKER = ("-m", "celery", "-q", "-A", "worker.main", "worker", "--without-gossip", "--without-mingle")


def digits() -> dict[str, np.ndarray]:
    """Draw a few digits in the layout of mnist.npz: a bright bar in a place of its own for each class."""
    arrays: dict[str, np.ndarray] = {}
    for part, count in (("train", 200), ("test", 40)):
        labels = (np.arange(count) % 10).astype(np.uint8)
        images = np.zeros((count, 28, 28), np.uint8)
        for image, label in zip(images, labels, strict=True):
            image[2 + 2 * label : 5 + 2 * label, 4:24] = 230
        arrays |= {f"x_{part}": images, f"y_{part}": labels}
    return arrays


def photograph(label: int, number: int) -> bytes:
    """Draw a photograph of a class: stripes of its own colour; all of them are different."""
    picture = Image.new("RGB", (40, 40), (60 + 80 * label, 120, 200 - 80 * label))
    pen = ImageDraw.Draw(picture)
    for place in range(number, 40, 6 + 4 * label):
        pen.line([(place, 0), (place, 40)] if label % 2 else [(0, place), (40, place)], fill="white", width=2)
    return _png(picture)


def digit() -> bytes:
    """Draw a seven."""
    picture = Image.new("L", (56, 56), 255)
    ImageDraw.Draw(picture).line([(14, 14), (40, 14), (24, 46)], fill=10, width=4, joint="curve")
    return _png(picture)


def _png(picture: Image.Image) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    return buffer.getvalue()


@dataclass
class Service:
    """`bestguess up` of some version on a data folder, and what is asked of it."""

    code: Path
    data_dir: Path
    environment: dict[str, str]
    log: Path

    def __post_init__(self) -> None:
        self.port = free_port()
        self._environment = os.environ | {
            "PYTHONPATH": str(self.code),
            "KERAS_HOME": str(self.data_dir / "keras"),  # none of this machine's own downloads
            "BESTGUESS_DATA_DIR": str(self.data_dir),
            "BESTGUESS_PORT": str(self.port),
            "BESTGUESS_MODELS": LITE0,
            "BESTGUESS_MIRROR": "http://127.0.0.1:9",
            "BESTGUESS_PRECISION": "float32",
            "BESTGUESS_DECODE_PROCESSES": "1",
            "BESTGUESS_WORKER_NICENESS": "0",
            "TF_NUM_INTRAOP_THREADS": "1",  # threads that spin as they wait for one another
            "BESTGUESS_CHECKPOINT_SECONDS": "0.2",
            "BESTGUESS_JOB_RETENTION_SECONDS": "1e10",  # the archive may be opened years later
        }
        self._environment |= self.environment

    def start(self, *arguments: str, **more: str) -> subprocess.Popen[bytes]:
        """Start a Python module of the version, in a process group of its own."""
        with self.log.open("ab") as log:
            return subprocess.Popen(
                [sys.executable, *arguments],
                cwd=self.code,
                env=self._environment | more,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def key(self, name: str, *scopes: str) -> str:
        """Make an API key by the command line."""
        command = ["-m", "bestguess", "keys", "create", name, *(f"--scope={scope}" for scope in scopes)]
        made = subprocess.run(
            [sys.executable, *command],
            cwd=self.code,
            env=self._environment,
            check=True,
            stdout=subprocess.PIPE,
            text=True,
        )
        return made.stdout.strip()

    @contextlib.contextmanager
    def up(self, key: str) -> Iterator[httpx.Client]:
        """Run it until the end of the block, and call it with a key."""
        process = self.start("-m", "bestguess", "up")
        headers = {"Authorization": f"Bearer {key}"}
        try:
            with httpx.Client(base_url=f"http://127.0.0.1:{self.port}", headers=headers, timeout=60) as client:
                wait_until(lambda: process.poll() is not None or _is_ready(client), START, 0.2)
                assert process.poll() is None, self.log.read_text()[-3000:]
                yield client
        finally:
            process.terminate()
            process.wait(30)

    @property
    def redis_url(self) -> str:
        """The private Redis's address, which only its configuration tells."""
        config = (self.data_dir / "redis" / "redis.conf").read_text()
        port, password = (re.findall(rf"^{name} (\S+)$", config, re.MULTILINE)[0] for name in ("port", "requirepass"))
        return f"redis://:{password}@127.0.0.1:{port}/0"


def _is_ready(client: httpx.Client) -> bool:
    with contextlib.suppress(httpx.TransportError):
        return client.get("/readyz").status_code == 200
    return False


def finished(client: httpx.Client, job_id: str) -> dict[str, Any]:
    """Wait until a job is over, and return it."""

    def over() -> dict[str, Any] | None:
        job: dict[str, Any] = client.get(f"/jobs/{job_id}").raise_for_status().json()
        return job if job["status"] in DONE else None

    job = wait_until(over, TRAIN, 0.2)
    assert job is not None
    return job


def answers(client: httpx.Client, models: dict[str, str]) -> dict[str, dict[str, float]]:
    """Ask each model (id to kind) about one picture; return the score of each label."""
    pictures = {"mnist-train": digit(), "finetune": photograph(1, 3)}
    found = {}
    for model_id, kind in models.items():
        files = {"file": ("picture.png", pictures[kind], "image/png")}
        answer = client.post(f"/models/{model_id}/classify", files=files)
        assert answer.status_code == 200, answer.text
        found[model_id] = {one["label"]: one["score"] for one in answer.json()["predictions"]}
    return found


@dataclass
class Files:
    """The published files and checkpoints of a run, by their paths: in its data folder or in its bucket."""

    folder: Path
    s3: LiveS3 | None = None

    def find(self, start: str, end: str) -> list[str]:
        """Return the paths that begin and end so."""
        if self.s3:
            paths = [path.removeprefix(f"{BUCKET}/") for path in self.s3.client().find(BUCKET)]
        else:
            paths = [str(path.relative_to(self.folder)) for path in self.folder.rglob("*") if path.is_file()]
        return sorted(path for path in paths if path.startswith(start) and path.endswith(end))

    def read(self, path: str) -> bytes:
        """Return a file's content."""
        return self.s3.client().cat_file(f"{BUCKET}/{path}") if self.s3 else (self.folder / path).read_bytes()

    def write(self, path: str, content: bytes) -> None:
        """Replace a file."""
        if self.s3:
            self.s3.client().pipe_file(f"{BUCKET}/{path}", content)
        else:
            (self.folder / path).parent.mkdir(parents=True, exist_ok=True)
            (self.folder / path).write_bytes(content)


def thin(array: np.ndarray, scale: float = 1.0) -> np.ndarray:
    """Set nearly all numbers of a large array to zero; a weight and its optimizer's numbers stay together."""
    if array.size <= LARGE:
        return array
    thinned = np.zeros_like(array).reshape(-1)
    thinned[::KEPT_EACH] = array.reshape(-1)[::KEPT_EACH] * scale
    return thinned.reshape(array.shape)


def thin_model(content: bytes) -> bytes:
    """Thin the weights in a .keras file."""
    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(made, "w") as new:
        for info in old.infolist():
            data = old.read(info)
            if info.filename.endswith(".h5"):
                buffer = io.BytesIO(data)
                with h5py.File(buffer, "r+") as file:
                    file.visititems(_thin_in_place)
                data = buffer.getvalue()
            new.writestr(info, data)
    return made.getvalue()


def _thin_in_place(_: str, item: h5py.Group | h5py.Dataset) -> None:
    if isinstance(item, h5py.Dataset) and item.size > LARGE:
        item[...] = thin(item[...], scale=KEPT_EACH**0.5)  # keeps the variance of the outputs


def thin_checkpoint(content: bytes) -> bytes:
    """Thin a checkpoint's state, and mark the first loss of its history, which a training that starts over lacks."""
    with np.load(io.BytesIO(content), allow_pickle=False) as file:
        arrays = {name: thin(file[name]) for name in file}
    ledger = json.loads(str(arrays["ledger"]))
    ledger["history"][0]["loss"] = MARK
    made = io.BytesIO()
    np.savez(made, **(arrays | {"ledger": np.array(json.dumps(ledger))}))
    return made.getvalue()


def thin_published(files: Files, job_id: str, client: redis.Redis) -> None:
    """Thin a published model, and let its `meta.json` and the records in Redis have the new checksums."""
    (path,) = files.find(f"{job_id}/", "/model.keras")
    old, meta_path = files.read(path), path.replace("model.keras", "meta.json")
    new, old_meta = thin_model(old), files.read(meta_path)
    changes = {_sha256(old): _sha256(new), f'"bytes": {len(old)}': f'"bytes": {len(new)}'}
    new_meta = _replaced(old_meta.decode(), changes).encode()
    changes |= {_sha256(old_meta): _sha256(new_meta), f'"bytes": {len(old_meta)}': f'"bytes": {len(new_meta)}'}
    changes |= {name.replace(" ", ""): value.replace(" ", "") for name, value in changes.items()}
    files.write(path, new)
    files.write(meta_path, new_meta)
    for key in client.scan_iter(f"bestguess:*{job_id}*"):
        if client.type(key) == "hash":
            for field, value in client.hgetall(key).items():
                if (replaced := _replaced(value, changes)) != value:
                    client.hset(key, field, replaced)


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _replaced(text: str, changes: dict[str, str]) -> str:
    for old, new in changes.items():
        text = text.replace(old, new)
    return text


class Run:
    """One run of the service, which fills a folder."""

    def __init__(self, code: Path, folder: Path, freeze: tuple[int, ...], s3: LiveS3 | None) -> None:
        self.folder, self.data_dir, self.s3 = folder, folder / "data", s3
        environment = s3.environment | {"BESTGUESS_ARTIFACTS_URL": s3.url} if s3 else {}
        self.service = Service(code, self.data_dir, environment, folder.parent / f"{folder.name}.log")
        self.files = Files(self.data_dir / "models", s3)
        self.freeze, self.models = freeze, dict[str, str]()

    def make(self) -> None:
        """Do what people do with the service, and write down what is expected of it later."""
        (self.data_dir / "datasets").mkdir(parents=True)
        np.savez_compressed(self.data_dir / "datasets" / "mnist.npz", **digits())
        key, other = self.service.key("ann", "classify", "train", "admin"), self.service.key("bob", "classify")
        expected: dict[str, Any] = {"key": key, "key for classify": other}
        with self.service.up(key) as client:
            dataset_id = self._dataset(client)
            expected |= {"dataset": dataset_id, "cancelled": self._cancelled(client)}
            self._trained(client, "mnist-train", steps=60, batch_size=20, report_every=20, seed=1)
            common = {"dataset_id": dataset_id, "epochs": 2, "batch_size": 4, "seed": 1}
            for freeze in self.freeze:
                last = self._trained(client, "finetune", base=LITE0, freeze=freeze, **common)
            child = self._trained(client, "finetune", base=last, freeze=50, **common)
            client.put("/models/aliases/pets", json={"model_id": child}).raise_for_status()
            expected |= {"models": self.models, "alias": {"pets": child}, "answers": answers(client, self.models)}
            expected["half done"] = self._half_done(client, dataset_id)
        for files in (self.files, Files(self.data_dir / "models")):  # beside a bucket a killed worker's copy is left
            for path in [path for job in expected["half done"] for path in files.find(f"{job}.checkpoint", ".npz")]:
                files.write(path, thin_checkpoint(files.read(path)))
        self._tidy()
        (self.folder / "expected.json").write_text(json.dumps(expected, indent=1) + "\n")

    def _dataset(self, client: httpx.Client) -> str:
        """Make a data set of two parts: an archive, and photographs that were added."""
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as archive:
            for label in range(3):
                for number in range(5):
                    archive.writestr(f"class {label}/{number}.png", photograph(label, number))
        made = client.post("/datasets", files={"file": ("pets.zip", buffer.getvalue())}).raise_for_status().json()
        added = [("file", (f"{number}.png", photograph(0, number))) for number in (5, 6)]
        url = f"/datasets/{made['id']}/images"
        client.post(url, files=added, data={"label": "class 0"}).raise_for_status()
        return str(made["id"])

    def _cancelled(self, client: httpx.Client) -> str:
        job_id = self._submit(client, "mnist-train", steps=100_000, batch_size=10)
        client.post(f"/jobs/{job_id}/cancel").raise_for_status()
        assert finished(client, job_id)["status"] == "cancelled"
        return job_id

    @staticmethod
    def _submit(client: httpx.Client, kind: str, **params: object) -> str:
        return str(client.post(f"/jobs/{kind}", json=params).raise_for_status().json()["id"])

    def _trained(self, client: httpx.Client, kind: str, **params: object) -> str:
        job_id = self._submit(client, kind, **params)
        job = finished(client, job_id)
        assert job["status"] == "succeeded", job
        with redis.Redis.from_url(self.service.redis_url, decode_responses=True) as records:
            thin_published(self.files, job_id, records)
        self.models[job_id] = kind
        return job_id

    def _half_done(self, client: httpx.Client, dataset_id: str) -> dict[str, str]:
        """Leave a job of each kind half done: stop a second worker by SIGKILL, and the first by the end of `up`."""
        second = self.service.start(*WORKER, BESTGUESS_REDIS_URL=self.service.redis_url)
        try:
            digits = {"steps": 2000, "batch_size": 20, "report_every": 20, "seed": 2}
            tuned = {"base": LITE0, "freeze": 48, "epochs": 400, "batch_size": 4, "optimizer": "adam", "seed": 2}
            first = self._submit(client, "mnist-train", **digits)
            wait_until(lambda: self._has_history(first), START, 0.02)
            other = self._submit(client, "finetune", dataset_id=dataset_id, **tuned)
            wait_until(lambda: self._has_history(other), START, 0.02)
        finally:
            os.killpg(second.pid, signal.SIGKILL)
            second.wait()
        for job_id in (first, other):
            assert client.get(f"/jobs/{job_id}").json()["status"] == "running", job_id
        return {first: "mnist-train", other: "finetune"}

    def _has_history(self, job_id: str) -> bool:
        """Say whether a job's checkpoint knows a report: what is marked later."""
        with contextlib.suppress(OSError, ValueError, KeyError, zipfile.BadZipFile):
            for path in self.files.find(f"{job_id}.checkpoint", ".npz"):
                with np.load(io.BytesIO(self.files.read(path)), allow_pickle=False) as file:
                    return bool(json.loads(str(file["ledger"]))["history"])
        return False

    def _tidy(self) -> None:
        """Keep what matters: no cache of features, nothing of the process, no password; objects beside the data."""
        for name in ("features", "keras"):
            shutil.rmtree(self.data_dir / name, ignore_errors=True)
        for name in ("up.lock", "redis/redis.conf"):
            (self.data_dir / name).unlink(missing_ok=True)
        if self.s3:
            objects = Files(self.folder / "objects")
            for path in self.files.find("", ""):
                objects.write(path, self.files.read(path))
            (self.folder / "objects" / "ready").unlink(missing_ok=True)  # by which the S3 server was tried


def make(code: Path, folder: Path) -> None:
    """Fill a folder with what the version leaves: `folder/` and `bucket/`, and a note which version it was."""
    with live_s3() as s3:
        for layout, freeze in LAYOUTS.items():
            Run(code, folder / layout, freeze, s3 if layout == "bucket" else None).make()
    commit = subprocess.run(
        ["git", "rev-parse", "HEAD"],  # noqa: S607 - the developer's own
        cwd=code,
        check=True,
        capture_output=True,
        text=True,
    )
    (folder / "commit").write_text(commit.stdout)


def pack(folder: Path, archive: Path) -> None:
    """Write the archive; who owns the files on this machine is left out."""

    def plain(info: tarfile.TarInfo) -> tarfile.TarInfo | None:
        info.uid = info.gid = 0
        info.uname = info.gname = ""
        return None if info.name.endswith(".log") else info

    with tarfile.open(archive, "w:xz", preset=9) as packed:
        packed.add(folder, ".", filter=plain)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="bestguess-") as name:
        try:
            make(Path(sys.argv[2] if len(sys.argv) > 2 else ROOT).resolve(), Path(name))
            pack(Path(name), Path(sys.argv[1]))
        except BaseException:
            for found in Path(name).glob("*.log"):
                sys.stderr.write(found.read_text()[-5000:])
            raise
