"""Keras's legacy HDF5 layout, which VGG16's official weights have: checked, read and written without Keras.

The root's attribute `layer_names` lists the layers, also those without weights; each is a group whose attribute
`weight_names` lists its data sets (keras/src/legacy/saving/legacy_h5_format.py). Order and shapes decide, not names.
"""

from __future__ import annotations

import io
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    import h5py
    from numpy.typing import NDArray

    from vision.networks.table import LayerShapes

_SEED = "bestguess_random_seed"
_OFFICIAL = {"kernel": "W", "bias": "b"}  # what the official files of VGG call them
# What h5py raises on a file that is truncated, damaged or of another structure.
_DAMAGE = (OSError, RuntimeError, LookupError, TypeError, ValueError, AttributeError)


class LayoutError(Exception):
    """A file lacks the layout that a network needs; the message says where it differs, and leaves its name out."""


class LayerWeights(NamedTuple):
    """One layer's numbers, float32, by their names, in Keras's order."""

    layer: str
    arrays: dict[str, NDArray[np.float32]]


def check(path: Path, layers: Sequence[LayerShapes]) -> None:
    """Compare a file's layers with a network's, without reading their numbers.

    Raises:
        LayoutError: it is no HDF5 file, of another layout, lacks a layer, or a shape differs.
    """
    with _opened(path) as root:
        _matched(root, layers)


def read(path: Path, layers: Sequence[LayerShapes]) -> Iterator[LayerWeights]:
    """Check a file as `check` does, then read its weights, a layer at a time, under the names of `layers`.

    Raises:
        LayoutError: as `check`, or a layer's numbers cannot be read.
    """
    with _opened(path) as root:
        for layer, arrays in _matched(root, layers):
            numbers = (np.asarray(array, np.float32) for array in arrays)
            yield LayerWeights(layer.layer, dict(zip(layer.shapes, numbers, strict=True)))


def write(path: Path, layers: Sequence[LayerShapes], weights: Iterable[LayerWeights], *, seed: int) -> None:
    """Write a file that is marked, for `seed_of`, as weights that nobody trained; `weights` is taken one by one.

    Raises:
        OSError: the disk is full or refuses; what was written so far is left for the caller to remove.
    """
    import h5py  # noqa: PLC0415 - whoever asks where the weights are needs none of it

    with _Disk(path, "w+") as disk:
        with h5py.File(disk, "w") as file:
            file.attrs[_SEED] = seed
            file.attrs["layer_names"] = [layer.layer.encode() for layer in layers]
            for layer in weights:
                _write_layer(file, layer)
                if disk.error:
                    break
        if disk.error:
            raise disk.error


def seed_of(path: Path) -> int | None:
    """Return the seed of a file that `write` marked as random, None of any other.

    Raises:
        LayoutError: it cannot be read.
    """
    with _opened(path) as root:
        return int(root.attrs[_SEED]) if _SEED in root.attrs else None


class _Disk(io.FileIO):
    """Keeps the disk's first error to itself, where HDF5 1.14 crashes the process when it cannot write."""

    error: OSError | None = None

    def write(self, data: Any, /) -> int:  # noqa: ANN401 - whatever has bytes
        """Write all of it, or nothing more at all."""
        rest = view = memoryview(data).cast("B")
        try:
            while rest and not self.error:
                rest = rest[super().write(rest) :]
        except OSError as error:
            self.error = error
        return len(view)

    def truncate(self, size: int | None = None, /) -> int:
        """Set the length, likewise."""
        try:
            return super().truncate(size)
        except OSError as error:
            self.error = self.error or error
            return size or 0


def _write_layer(file: h5py.Group, layer: LayerWeights) -> None:
    group = file.create_group(layer.layer)
    arrays = {f"{layer.layer}_{_OFFICIAL.get(name, name)}_1:0": array for name, array in layer.arrays.items()}
    group.attrs["weight_names"] = [name.encode() for name in arrays]
    for name, array in arrays.items():
        group.create_dataset(name, data=array)


@contextmanager
def _opened(path: Path) -> Iterator[h5py.Group]:
    import h5py  # noqa: PLC0415 - as above

    if not h5py.is_hdf5(path):
        raise LayoutError("not an HDF5 file")
    try:
        # No lock: nothing writes to it, and read-only or network disks may know none.
        with h5py.File(path, "r", locking=False) as file:
            whole_model = "layer_names" not in file.attrs and "model_weights" in file
            yield file["model_weights"] if whole_model else file
    except _DAMAGE as error:
        raise LayoutError(f"truncated or damaged ({' '.join(str(error).split())})") from error


def _matched(root: h5py.Group, layers: Sequence[LayerShapes]) -> list[tuple[LayerShapes, list[h5py.Dataset]]]:
    """Pair a network's layers with what a file has for each, in order."""
    saved = _saved(root)
    if len(saved) != len(layers):
        missing = [layer.layer for layer in layers if layer.layer not in saved]
        names = f": {', '.join(missing)} missing" if missing else ""
        raise LayoutError(f"{len(saved)} layers with weights where {len(layers)} are expected{names}")
    for layer, (name, arrays) in zip(layers, saved.items(), strict=True):
        _compare(layer, name, arrays)
    return list(zip(layers, saved.values(), strict=True))


def _saved(root: h5py.Group) -> dict[str, list[h5py.Dataset]]:
    if "layer_names" not in root.attrs:
        raise LayoutError("no `layer_names`: not Keras's legacy layout, which model.save('<name>.h5') writes")
    saved = {}
    for name in _names(root, "layer_names"):
        if name not in root:
            raise LayoutError(f"layer {name} missing")
        if arrays := [root[name][weight] for weight in _names(root[name], "weight_names")]:
            saved[name] = arrays
    return saved


def _names(group: h5py.Group, attribute: str) -> list[str]:
    # Fixed-length bytes in old files, strings in new ones; an empty list was saved as numbers.
    names: Iterable[Any] = group.attrs.get(attribute, ())
    return [name.decode() if isinstance(name, bytes) else str(name) for name in names]


def _compare(layer: LayerShapes, name: str, arrays: list[h5py.Dataset]) -> None:
    found = [array.shape for array in arrays]
    expected = list(layer.shapes.values())
    if found != expected:
        raise LayoutError(f"layer {name} has the shapes {_shapes(found)} where {_shapes(expected)} are expected")
    if any(array.dtype.kind != "f" for array in arrays):
        raise LayoutError(f"layer {name} has numbers of the type {arrays[0].dtype}, not floating-point ones")


def _shapes(shapes: Iterable[tuple[int, ...]]) -> str:
    return " and ".join(str(shape) for shape in shapes)
