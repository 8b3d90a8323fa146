"""Handwritten digits: where MNIST is looked for, fetched from, and how it is checked before anything learns from it."""

from __future__ import annotations

import hashlib
import logging
import os
import zipfile
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, NoReturn

import numpy as np

from vision.digits.network import CLASSES, SIDE
from vision.download import DownloadError, download, ignore
from vision.files import RemoteFile
from vision.networks.weights import expanded
from worker.errors import DatasetUnavailable
from worker.keeping import stoppable

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable
    from pathlib import Path
    from typing import Any

    from numpy.typing import NDArray

log = logging.getLogger(__name__)

URL_PATH = "tf-keras-datasets/mnist.npz"  # as in Keras's own store
URL_SHA256 = "731c5ac602752760c8e48fbffcf8c3b850d9dc2a2aedcf2cc48468fc17b673d1"  # keras/src/datasets/mnist.py

# Of the raw bytes of the arrays: the images and labels of the four IDX files without their headers.
OFFICIAL = {
    "x_train": "741c988805d008ac6e4c904b69001ba184c24b2c540a4ef403f4c71b676cf757",
    "y_train": "1feba77c54802fa5339a11837ea4b2866434b83314ec45192930f1df69120c13",
    "x_test": "6d87418db22cc8025d05968bec9bd5c3932904b23485740db143a061a2c9d161",
    "y_test": "ddeff807876a9661a1110d45c266c86239a3a1b7d37da0c3716a7a683c852ff5",
}


@dataclass(frozen=True, slots=True, eq=False)
class Digits:
    """Grey images of digits, ink bright on black: uint8 (n, 28, 28) in 0 to 255, labels uint8 (n,) in 0 to 9.

    `official` is whether the arrays are MNIST's own, byte for byte; `sha256` are those of the arrays, hexadecimal.
    """

    x_train: NDArray[np.uint8]
    y_train: NDArray[np.uint8]
    x_test: NDArray[np.uint8]
    y_test: NDArray[np.uint8]
    name: str
    official: bool
    sha256: dict[str, str]

    @classmethod
    def of(cls, name: str, arrays: dict[str, NDArray[np.uint8]]) -> Digits:
        """Put the four arrays together under their names, and hash them: a tenth of a second for MNIST."""
        sha256 = {key: hashlib.sha256(np.ascontiguousarray(arrays[key]).data).hexdigest() for key in OFFICIAL}
        return cls(**arrays, name=name, official=sha256 == OFFICIAL, sha256=sha256)


def places(data_dir: Path) -> tuple[Path, Path]:
    """List where MNIST is looked for, in this order: the data folder, then Keras's own cache."""
    keras = expanded(os.environ.get("KERAS_HOME") or "~/.keras")
    return data_dir / "datasets" / "mnist.npz", keras / "datasets" / "mnist.npz"


def load_mnist(setting: Path | None, data_dir: Path, mirror: str, should_stop: Callable[[], bool]) -> Digits:
    """Read MNIST from `setting` (BESTGUESS_MNIST), or else from its `places`, or else download it.

    It does not wait for a network: the first attempt that fails is the last, and its part is kept for the next job.

    Raises:
        DatasetUnavailable: it cannot be had, or the file is not a set of digits.
        Stopped: `should_stop` said so while it was downloaded.
    """
    found = find(setting, data_dir)
    if found is not None:
        return found
    target = places(data_dir)[0]
    fetch(RemoteFile(f"{mirror.rstrip('/')}/{URL_PATH}", None, "sha256", URL_SHA256), target, should_stop)
    return read(target)


def find(setting: Path | None, data_dir: Path) -> Digits | None:
    """Read MNIST from `setting`, or else from the first of its `places`; None where it is in none of them.

    Raises:
        DatasetUnavailable: the file that is there cannot be used.
    """
    return _first(places(data_dir)) if setting is None else read(expanded(str(setting)))


def read(path: Path) -> Digits:
    """Read and check a file in the layout of Keras's mnist.npz.

    Raises:
        DatasetUnavailable: it is not there, cannot be read, or its arrays are not digits.
    """
    try:
        arrays = _arrays(path)
        return Digits.of("mnist", {key: _checked(key, arrays[key]) for key in _paired(arrays)})
    except FileNotFoundError:
        raise DatasetUnavailable(f"{path}: not there. {_advice(path)}") from None
    except OSError as error:
        raise DatasetUnavailable(f"{path}: cannot be read ({error.strerror or error}). {_advice(path)}") from error
    except (ValueError, EOFError, KeyError, MemoryError, zipfile.BadZipFile, zlib.error) as error:
        raise DatasetUnavailable(f"{path}: not a usable mnist.npz ({error}). {_advice(path)}") from error


def fetch(remote: RemoteFile, target: Path, should_stop: Callable[[], bool]) -> None:
    """Download the file to `target`, in one attempt.

    Raises:
        DatasetUnavailable: it did not work.
        Stopped: `should_stop` said so meanwhile.
    """

    def give_up(reason: str, _: float) -> NoReturn:
        raise DatasetUnavailable(f"MNIST cannot be downloaded: {reason} {_advice(target)}")

    def get(stop: threading.Event) -> None:
        digest = (remote.algorithm, remote.digest)
        download(remote.url, target, remote.size, digest, progress=ignore, stop=stop, on_retry=give_up)

    log.info("MNIST is downloaded from %s to %s", remote.place, target)
    try:
        stoppable(get, should_stop)
    except DownloadError as error:
        raise DatasetUnavailable(f"MNIST cannot be downloaded: {error} {_advice(target)}") from error


def _advice(path: Path) -> str:
    return (
        f"Set BESTGUESS_MNIST to a mnist.npz, or put one at {path}, or train with the dataset synthetic-digits, which "
        "needs no file."
    )


def _first(paths: tuple[Path, ...]) -> Digits | None:
    """Take the first that can be used; one that cannot is an error only where there is no other."""
    refused = []
    for path in paths:
        if not path.exists():
            continue
        try:
            found = read(path)
        except DatasetUnavailable as error:
            refused.append(error)
        else:
            for wrong in refused:
                log.warning("%s Meanwhile %s is used.", wrong, path)
            return found
    if refused:
        raise refused[0]
    return None


def _arrays(path: Path) -> dict[str, NDArray[Any]]:
    with path.open("rb") as opened:  # np.load would leave a broken file open
        file = np.load(opened, allow_pickle=False)
        if not isinstance(file, np.lib.npyio.NpzFile):
            raise ValueError("one array where a .npz with four is expected")  # noqa: TRY004 - the file's fault
        missing = [key for key in OFFICIAL if key not in file]
        if missing:
            raise ValueError(f"it lacks {', '.join(missing)}")
        return {key: file[key] for key in OFFICIAL}


def _paired(arrays: dict[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """Make sure that there is a label for each image, and anything at all."""
    for part in ("train", "test"):
        images, labels = len(np.atleast_1d(arrays[f"x_{part}"])), len(np.atleast_1d(arrays[f"y_{part}"]))
        if images != labels or not images:
            raise ValueError(f"{images} images and {labels} labels to {part} with")
    return arrays


def _checked(key: str, array: NDArray[Any]) -> NDArray[np.uint8]:
    """Return images as they are and labels as uint8, if they are what their name says."""
    images = key.startswith("x")
    shape = (SIDE, SIDE) if images else ()
    if array.ndim == 0 or array.shape[1:] != shape:
        raise ValueError(f"{key} has the shape {array.shape} where {('n', *shape)} is expected")
    if array.dtype != np.uint8 if images else array.dtype.kind not in "iu":
        raise ValueError(f"{key} is {array.dtype} where {'uint8' if images else 'whole numbers'} are expected")
    if not images and not (array.min() >= 0 and array.max() < CLASSES):
        raise ValueError(f"{key} has labels from {array.min()} to {array.max()} where 0 to 9 are expected")
    return np.ascontiguousarray(array, np.uint8)
