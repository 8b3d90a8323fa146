"""Where a network's weights file is, and whether it is the right one."""

from __future__ import annotations

import logging
import os
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from stat import S_ISREG
from typing import TYPE_CHECKING, Literal

from vision.errors import VisionError
from vision.files import RemoteFile, checksum
from vision.networks import keras_h5
from vision.networks.keras_h5 import LayoutError
from vision.networks.table import read_table

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from vision.networks.table import LayerShapes

log = logging.getLogger(__name__)

WORDS = ("imagenet", "random")  # of BESTGUESS_WEIGHTS; anything else is a path
NAME_IT = "Name an existing .h5."
Origin = Literal["imagenet", "random", "custom", "trained"]  # untrained, somebody's own, of a job of this service


class WeightsError(VisionError):
    """A weights file cannot be used; the message, one line, says which, what is wrong with it and what to do."""

    slug, title, category = "model-unusable", "This model cannot be used", "unavailable"
    answer = "This network's files are damaged. Delete it, and train another."
    retry_after = 30
    log_level = logging.ERROR


class WeightsMissing(WeightsError):
    """There is no such file."""


@dataclass(frozen=True, slots=True)
class WeightsFile:
    """A published weights file: `size` in bytes, `url_path` under a mirror's address.

    `network` is the id of the network that it is of; `has_path`: a BESTGUESS_WEIGHTS that names a file means this one.
    `contents` are the layers that it has to hold, where the network has no table of its own.
    """

    name: str
    size: int
    md5: str
    url_path: str
    network: str
    has_path: bool = False
    contents: tuple[LayerShapes, ...] | None = None

    @property
    def layers(self) -> tuple[LayerShapes, ...]:
        """What it has to hold."""
        return read_table(self.network).stored if self.contents is None else self.contents

    def at(self, mirror: str) -> RemoteFile:
        """Return where a mirror has it and what it has to be."""
        return RemoteFile(f"{mirror.rstrip('/')}/{self.url_path}", self.size, "md5", self.md5)

    def command(self, verb: str) -> str:
        """Return the command that does something about this file."""
        return f"bestguess weights {verb}" + ("" if self.has_path else f" --model {self.network}")


@dataclass(frozen=True, slots=True)
class FoundWeights:
    """Weights that can be used. `path` is None where they are made up in memory; `verified`: they are the official.

    `hash` is the algorithm, a colon, and the hexadecimal digest of the file.
    """

    path: Path | None
    origin: Origin
    hash: str | None
    verified: bool
    size: int | None


def find(file: WeightsFile, setting: str, data_dir: Path) -> FoundWeights | None:
    """Find the weights that BESTGUESS_WEIGHTS asks for: `imagenet`, `random`, or a path. Hashing takes a second.

    Returns None where the official file is asked for and in none of its `places`.

    Raises:
        WeightsError: the file at the path does not fit, or what is in the `places` is not the official file.
    """
    if setting == "random":
        return FoundWeights(None, "random", None, verified=False, size=None)
    if path := named(file, setting):
        return identify(path, file)
    return _official(file, places(file, data_dir))


def named(file: WeightsFile, setting: str) -> Path | None:
    """Return which file BESTGUESS_WEIGHTS names for a network; None where the official one, or none, is asked for.

    A path to a file is VGG16's. In a folder each network's has the official name, whoever's weights it holds.
    """
    if setting in WORDS:
        return None
    path = expanded(setting)
    if _is_folder(path):
        return path / file.name
    return path if file.has_path else None


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:  # a name that no file can have, which whoever reads it will be told
        return False


def expanded(path: str) -> Path:
    """Read a path that may begin with `~`."""
    try:
        return Path(path).expanduser()
    except RuntimeError:  # a user without a home, as containers have them
        return Path(path)


def places(file: WeightsFile, data_dir: Path) -> tuple[Path, Path]:
    """List where the official file is looked for, in this order: the data folder, then Keras's own cache."""
    keras = expanded(os.environ.get("KERAS_HOME") or "~/.keras")
    return data_dir / "weights" / file.name, keras / "models" / file.name


def verify(path: Path, file: WeightsFile) -> FoundWeights:
    """Make sure that a file is the official one, by its size and MD5.

    Raises:
        WeightsMissing: it is not there.
        WeightsError: it is another, or cannot be read.
    """
    size = _size(path)
    md5 = _md5(path) if size == file.size else None
    if md5 == file.md5:
        return FoundWeights(path, "imagenet", f"md5:{md5}", verified=True, size=size)
    differences = [f"MD5 {md5} where {file.md5} is expected"] if md5 else []
    if size != file.size:
        differences.append(f"{size:,} bytes where {file.size:,} are expected")
    differences.append(_describe(path, file))
    raise WeightsError(f"{path}: {'; '.join(differences)}. `{file.command('fetch')}` downloads the right file.")


def identify(path: Path, file: WeightsFile) -> FoundWeights:
    """Return what a file of the network's layout is: the official weights, marked as random, or somebody's own.

    Raises:
        WeightsMissing: it is not there.
        WeightsError: it cannot be read, or a layer is missing or has another shape.
    """
    # A path to a file means one network's; another's lies in a folder under its official name, as `named` has it.
    advice = "Put an .h5 that fits there under this name, or set BESTGUESS_WEIGHTS=imagenet."
    if file.has_path:
        advice = "Set BESTGUESS_WEIGHTS to an .h5 that fits, or to imagenet."
    size, md5 = _size(path, advice), _md5(path, advice)
    if (size, md5) == (file.size, file.md5):
        return FoundWeights(path, "imagenet", f"md5:{md5}", verified=True, size=size)
    try:
        keras_h5.check(path, file.layers)
        origin: Origin = "custom" if keras_h5.seed_of(path) is None else "random"
    except LayoutError as error:
        raise WeightsError(f"{path}: {error}. {advice}") from error
    return FoundWeights(path, origin, f"md5:{md5}", verified=False, size=size)


def _official(file: WeightsFile, paths: Iterable[Path]) -> FoundWeights | None:
    """Take the first that is right; one that is wrong is an error only where no other is right."""
    refused = []
    for path in paths:
        try:
            found = verify(path, file)
        except WeightsMissing:
            continue
        except WeightsError as error:
            refused.append(error)
        else:
            for wrong in refused:
                log.warning("%s Meanwhile %s is used.", wrong, path)
            return found
    if refused:
        raise refused[0]
    return None


def _describe(path: Path, file: WeightsFile) -> str:
    """Return what a file is that is not the official one."""
    try:
        seed = keras_h5.seed_of(path)
        keras_h5.check(path, file.layers)
    except LayoutError as error:
        return str(error)
    kind = "custom weights" if seed is None else f"random weights (seed {seed})"
    setting = f"BESTGUESS_WEIGHTS={path}" if file.has_path else f"BESTGUESS_WEIGHTS=FOLDER with {file.name} in it"
    return f"{kind}, usable only as {setting}"


def _size(path: Path, advice: str = NAME_IT) -> int:
    with _reading(path, advice):
        info = path.stat()
        if S_ISREG(info.st_mode):
            with path.open("rb"):  # only to see that it may be read
                return info.st_size
    raise WeightsError(f"{path}: a folder or a device where a file is expected. {advice}")


def _md5(path: Path, advice: str = NAME_IT) -> str:
    with _reading(path, advice):
        return checksum(path, "md5")


@contextmanager
def _reading(path: Path, advice: str) -> Iterator[None]:
    try:
        yield
    except (FileNotFoundError, NotADirectoryError) as error:
        raise WeightsMissing(f"{path}: not there. {advice}") from error
    except OSError as error:
        raise WeightsError(f"{path}: cannot be read ({error.strerror}). Check the path and its permissions.") from error
