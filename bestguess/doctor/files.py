"""Checks of files: the weights, MNIST, the data folder and its disk, and the place of trained models."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import httpx

from bestguess.checks import (
    Verdict,
    check_data_folder,
    check_named_weights,
    describe_weights,
    nearest_folder,
    ok,
    warning,
    weights_files,
    weights_label,
    write_temporary_file,
    wrong,
)
from jobs.artifacts import ArtifactsUnavailable, address, open_store
from vision.networks.weights import WeightsError, find, named, places
from worker.mnist.data import places as mnist_places

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from app.settings import Settings
    from bestguess.checks import CheckResult
    from jobs.settings import WorkerSettings
    from vision.networks.weights import WeightsFile

MIRROR_SECONDS = 3.0
FULL, TIGHT = 200_000_000, 2_000_000_000  # bytes free: a model is 13 MB, and Redis's file grows and is rewritten
NO_MODEL = "job_00000000000000000000000000000"


def check_weights(settings: Settings) -> Iterator[CheckResult]:
    """Find the weights as the service does; where they are missing, check whether they can be downloaded."""
    if settings.weights == "random":
        found = "random: the network has learned nothing"
        yield warning("weights", found, "Unset BESTGUESS_WEIGHTS for real answers.")
        return
    yield from check_named_weights(settings.weights, settings.listed)
    for file in weights_files(settings.listed):
        if named(file, settings.weights) is None:
            yield _check_official_weights(file, settings)


def _check_official_weights(file: WeightsFile, settings: Settings) -> CheckResult:
    about = weights_label(file, settings.listed)
    try:
        found = find(file, "imagenet", settings.data_dir)
    except WeightsError as error:
        return wrong(about, str(error), "Name another file, or unset BESTGUESS_WEIGHTS.")
    if found:
        return ok(about, describe_weights(found))
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
    """Look for MNIST where workers do; the worker checks what is in the file."""
    about = "MNIST"
    if settings.mnist:
        if settings.mnist.is_file():
            yield ok(about, str(settings.mnist))
        else:
            yield wrong(about, f"BESTGUESS_MNIST={settings.mnist}: no such file", "Name mnist.npz, or unset it.")
        return
    candidates = mnist_places(settings.data_dir)
    found = next((path for path in candidates if path.is_file()), None)
    if found:
        yield ok(about, str(found))
    else:
        action = f"Where there is no network: bring it to {candidates[0]}, or train on synthetic-digits."
        yield warning(about, "not here yet; the first training downloads it", action)


def check_data(settings: Settings) -> Iterator[CheckResult]:
    """Check that the data folder can be written, and how full its disk is."""
    result = check_data_folder(settings.data_dir)
    yield result
    if result.verdict is Verdict.OK:
        yield _check_disk(nearest_folder(settings.data_dir.absolute()), 2 * settings.max_dataset_bytes)


def check_models(settings: Settings) -> Iterator[CheckResult]:
    """Check the folder or bucket of trained models."""
    about, url = "models", settings.artifacts_url
    folder = address.local_folder(url) if url else None
    if folder:
        there = nearest_folder(folder.absolute())
        try:
            write_temporary_file(there)
        except OSError as error:
            found = f"{there} cannot be written: {error.strerror}"
            yield wrong(about, found, "Let this user write there, or correct BESTGUESS_ARTIFACTS_URL.")
            return
    try:
        open_store(url, settings.data_dir).exists(NO_MODEL)
    except ArtifactsUnavailable as error:
        yield wrong(about, str(error), "Correct BESTGUESS_ARTIFACTS_URL, its keys or its endpoint.")
        return
    yield ok(about, f"{url or settings.data_dir / 'models'} answers")


def _check_disk(folder: Path, dataset_bytes: int) -> CheckResult:
    """Check the free space; a data set needs `dataset_bytes` while it is received."""
    about, free = "disk", shutil.disk_usage(folder).free
    found = f"{free / 1e9:.1f} GB free at {folder}"
    if free < FULL:
        return wrong(about, found, "Make room: neither Redis nor a worker can write much longer.")
    if free < TIGHT:
        return warning(about, found, "Make room: 0.6 GB for VGG16's weights, and some for Redis and the models.")
    if free < FULL + dataset_bytes:
        action = f"Make room, or lower BESTGUESS_MAX_DATASET_BYTES: a data set may need {dataset_bytes / 1e9:.1f} GB."
        return warning(about, found, action)
    return ok(about, found)


def _reachable(url: str) -> bool:
    try:
        return httpx.head(url, timeout=MIRROR_SECONDS, follow_redirects=True).is_success
    except (httpx.HTTPError, httpx.InvalidURL):
        return False
