"""The weights, the data folder and its disk, the models' place, and MNIST."""

from __future__ import annotations

import os
import shutil
import tempfile
from typing import TYPE_CHECKING

import httpx

from bestguess.checks import ok, warning, wrong
from jobs.artifacts import ArtifactsUnavailable, address, open_store
from vision.networks.registry import NETWORKS
from vision.networks.weights import WeightsError, expanded, find, places

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from app.settings import Settings
    from bestguess.checks import CheckResult
    from jobs.settings import WorkerSettings
    from vision.networks.weights import WeightsFile

MIRROR_SECONDS = 3.0
FULL, TIGHT = 200_000_000, 2_000_000_000  # bytes free: a model is 13 MB, and Redis's file grows and is written anew
NO_MODEL = "job_00000000000000000000000000000"


def check_weights(settings: Settings) -> Iterator[CheckResult]:
    """Find the weights as the service does, and the way to them where they are not there."""
    if settings.weights == "random":
        found = "random: the network has learned nothing"
        yield warning("weights", found, "Unset BESTGUESS_WEIGHTS for real answers.")
        return
    files = [file for name in settings.listed if (file := NETWORKS[name].weights)]
    for file in files:
        yield _look_at(file, settings, "weights" if len(files) == 1 else f"weights of {file.network}")


def _look_at(file: WeightsFile, settings: Settings, about: str) -> CheckResult:
    try:
        found = find(file, settings.weights, settings.data_dir)
    except WeightsError as error:
        return wrong(about, str(error), "Name another file, or unset BESTGUESS_WEIGHTS.")
    if found:
        return ok(about, f"{found.path}: {'the official file' if found.verified else 'a file of your own'}")
    remote, target = file.at(settings.mirror), places(file, settings.data_dir)[0]
    action = f"Bring the file to {target}, or set BESTGUESS_MIRROR."
    if _reachable(remote.url):
        return warning(about, "not here yet; the service downloads them at its start", f"Now: {file.command('fetch')}")
    first = file.network == settings.listed[0]
    if first and not settings.stand_in:
        return wrong(about, f"not here, {remote.url} cannot be reached, and nobody stands in", action)
    meanwhile = "EfficientNet-Lite0 answers" if first else "questions to it are refused"
    return warning(about, f"not here, and {remote.url} cannot be reached; {meanwhile}", action)


def check_mnist(settings: WorkerSettings) -> Iterator[CheckResult]:
    """Look for the digits that workers learn from; what is in the file the worker checks."""
    about = "MNIST"
    if settings.mnist:
        if settings.mnist.is_file():
            yield ok(about, str(settings.mnist))
        else:
            yield wrong(about, f"BESTGUESS_MNIST={settings.mnist}: no such file", "Name mnist.npz, or unset it.")
        return
    keras = expanded(os.environ.get("KERAS_HOME") or "~/.keras")
    candidates = settings.data_dir / "datasets" / "mnist.npz", keras / "datasets" / "mnist.npz"
    found = next((path for path in candidates if path.is_file()), None)
    if found:
        yield ok(about, str(found))
    else:
        action = f"Where there is no network: bring it to {candidates[0]}, or train on synthetic-digits."
        yield warning(about, "not here yet; the first training downloads it", action)


def check_data_folder(settings: Settings) -> Iterator[CheckResult]:
    """Try to write into the data folder, and see how full its disk is."""
    about, folder = "data folder", settings.data_dir.absolute()
    there = _nearest(folder)
    if trouble := _unwritable(there):
        yield wrong(about, trouble, "Let this user write there, or set BESTGUESS_DATA_DIR.")
        return
    yield ok(about, f"{folder} can be written" if there == folder else f"{folder} will be made")
    yield _disk(there, 2 * settings.max_dataset_bytes)


def check_models(settings: Settings) -> Iterator[CheckResult]:
    """Ask the place where trained networks are kept."""
    about, url = "models", settings.artifacts_url
    folder = address.local_folder(url) if url else None
    if folder and (trouble := _unwritable(_nearest(folder.absolute()))):
        yield wrong(about, trouble, "Let this user write there, or correct BESTGUESS_ARTIFACTS_URL.")
        return
    try:
        open_store(url, settings.data_dir).exists(NO_MODEL)
    except ArtifactsUnavailable as error:
        yield wrong(about, str(error), "Correct BESTGUESS_ARTIFACTS_URL, its keys or its endpoint.")
        return
    yield ok(about, f"{url or settings.data_dir / 'models'} answers")


def _nearest(folder: Path) -> Path:
    """Return the folder, or the nearest one above it that is there already."""
    return next(path for path in (folder, *folder.parents) if path.exists())


def _unwritable(folder: Path) -> str | None:
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(b"x")
            file.flush()
    except OSError as error:
        return f"{folder} cannot be written: {error.strerror}"
    return None


def _disk(folder: Path, taken_in: int) -> CheckResult:
    """Judge the room; `taken_in` are the bytes that a data set needs while it comes in."""
    about, free = "disk", shutil.disk_usage(folder).free
    found = f"{free / 1e9:.1f} GB free at {folder}"
    if free < FULL:
        return wrong(about, found, "Make room: neither Redis nor a worker can write much longer.")
    if free < TIGHT:
        return warning(about, found, "Make room: 0.6 GB for VGG16's weights, and some for Redis and the models.")
    if free < FULL + taken_in:
        action = f"Make room, or lower BESTGUESS_MAX_DATASET_BYTES: a data set may need {taken_in / 1e9:.1f} GB."
        return warning(about, found, action)
    return ok(about, found)


def _reachable(url: str) -> bool:
    try:
        return httpx.head(url, timeout=MIRROR_SECONDS, follow_redirects=True).is_success
    except (httpx.HTTPError, httpx.InvalidURL):
        return False
