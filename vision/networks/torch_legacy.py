"""Reads tensors out of torch's old file format, without torch and without running anything that the file says.

Such a file is three pickles (magic number, protocol, the writer's system), the pickled dictionary of tensors, the
pickled list of its storages' keys, then for each key an int64 count and that many raw little-endian values
(`_legacy_save` in https://github.com/pytorch/pytorch/blob/main/torch/serialization.py).
"""

from __future__ import annotations

import io
import pickle
from collections import OrderedDict
from math import prod
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from pathlib import Path

_MAGIC = 0x1950A86A20F9469CFC6C
_PROTOCOL = 1001
_DTYPES = {
    "HalfStorage": "<f2",
    "FloatStorage": "<f4",
    "DoubleStorage": "<f8",
    "ByteStorage": "|u1",
    "CharStorage": "|i1",
    "ShortStorage": "<i2",
    "IntStorage": "<i4",
    "LongStorage": "<i8",
    "BoolStorage": "|b1",
}
# What a damaged pickle makes the unpickler raise, and numpy where a number is beyond what it can hold.
_DAMAGE = (
    pickle.UnpicklingError,
    ArithmeticError,
    AttributeError,
    EOFError,
    LookupError,
    MemoryError,
    TypeError,
    ValueError,
)


class TorchFileError(ValueError):
    """The file is not one of torch's, is damaged, or holds something that this reader refuses."""


def read_tensors(path: Path) -> dict[str, np.ndarray[Any, Any]]:
    """Read every tensor of a state dictionary, in the file's order, as arrays of their own in C order.

    Raises TorchFileError where the file is not in the old format, is truncated, names anything but ordered
    dictionaries, tensors and storages, or has a tensor that leaves its storage or overlaps itself; OSError where it
    cannot be read.
    """
    data = path.read_bytes()
    if data.startswith(b"PK"):
        raise TorchFileError(f"{path.name} is in torch's newer zip format, which this reader does not know")
    try:
        return _read(io.BytesIO(data))
    except TorchFileError as error:
        raise TorchFileError(f"{path.name} {error}") from error
    except _DAMAGE as error:
        raise TorchFileError(f"{path.name} is truncated or damaged ({error})") from error


class _Storage(NamedTuple):
    """Where a tensor's values are: tuples, because a pickle can change nothing about them once they are made."""

    dtype: str
    key: str
    length: int


class _Tensor(NamedTuple):
    """A tensor as the file states it, not yet believed; `offset` and `strides` are in elements."""

    storage: _Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


class _Rebuild:
    """Stands for torch's function of that name; an object without attributes, so a pickle cannot alter it either."""

    __slots__ = ()

    def __call__(
        self, storage: _Storage, offset: int, shape: tuple[int, ...], strides: tuple[int, ...], *_rest: object
    ) -> _Tensor:
        return _Tensor(storage, offset, shape, strides)


class _Unpickler(pickle.Unpickler):
    """Knows the three kinds of name that a state dictionary needs, and refuses every other."""

    def find_class(self, module: str, name: str) -> object:
        """Answer with a stand-in of our own, or raise TorchFileError."""
        if (module, name) == ("collections", "OrderedDict"):
            return OrderedDict
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return _Rebuild()
        if module == "torch" and name in _DTYPES:
            return _DTYPES[name]
        raise TorchFileError(f"asks for {module}.{name}, which this reader does not allow")

    def persistent_load(self, pid: object) -> _Storage:
        """Take ("storage", type, key, device, count, view) apart; torch's views of storages are refused."""
        match pid:
            case ("storage", str(dtype), str(key), _, int(length), None) if dtype in _DTYPES.values() and length >= 0:
                return _Storage(dtype, key, length)
        raise TorchFileError("describes a storage in a way that this reader does not know")


def _read(file: io.BytesIO) -> dict[str, np.ndarray[Any, Any]]:
    _check_header(file)
    tensors = _checked(_Unpickler(file).load())
    storages = {tensor.storage.key: tensor.storage for tensor in tensors.values()}
    values = {key: _values(file, storages[key]) for key in _keys(file, storages)}
    return {name: _array(name, tensor, values[tensor.storage.key]) for name, tensor in tensors.items()}


def _check_header(file: io.BytesIO) -> None:
    try:
        magic = _Unpickler(file).load()
    except _DAMAGE as error:
        raise TorchFileError("is not one of torch's files") from error
    if magic != _MAGIC:
        raise TorchFileError("is not one of torch's files")
    if (protocol := _Unpickler(file).load()) != _PROTOCOL:
        raise TorchFileError(f"has protocol {protocol!r}; this reader knows {_PROTOCOL}")
    match _Unpickler(file).load():
        case {"little_endian": True}:
            return
    raise TorchFileError("was not written on a little-endian machine")


def _checked(loaded: object) -> dict[str, _Tensor]:
    if not isinstance(loaded, dict):
        raise TorchFileError(f"holds a {type(loaded).__name__}, not a dictionary of tensors")
    # dict's own method: a pickle may have given the ordered dictionary an attribute called `items`.
    tensors = dict(dict.items(loaded))
    for name, tensor in tensors.items():
        if not (isinstance(name, str) and isinstance(tensor, _Tensor) and isinstance(tensor.storage, _Storage)):
            raise TorchFileError(f"holds {name!r}, which is not a tensor with a name")
    return tensors


def _keys(file: io.BytesIO, storages: dict[str, _Storage]) -> list[str]:
    keys = _Unpickler(file).load()
    if not isinstance(keys, list) or sorted(keys) != sorted(storages):
        raise TorchFileError("lists other storages than its tensors use")
    return keys


def _values(file: io.BytesIO, storage: _Storage) -> np.ndarray[Any, Any]:
    dtype = np.dtype(storage.dtype)
    expected = storage.length.to_bytes(8, "little")
    length, raw = file.read(len(expected)), file.read(storage.length * dtype.itemsize)
    if len(length) + len(raw) < len(expected) + storage.length * dtype.itemsize:
        raise TorchFileError(f"is truncated inside storage {storage.key!r}")
    if length != expected:
        raise TorchFileError(f"gives storage {storage.key!r} two different lengths")
    return np.frombuffer(raw, dtype)


def _array(name: str, tensor: _Tensor, values: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    if values.dtype != tensor.storage.dtype:
        raise TorchFileError(f"gives the storage of {name!r} two different types")
    _check_layout(name, tensor, len(values))
    strides = [stride * values.itemsize for stride in tensor.strides]
    view = np.lib.stride_tricks.as_strided(values[tensor.offset :], tensor.shape, strides, writeable=False)
    return view.copy(order="C")


def _check_layout(name: str, tensor: _Tensor, length: int) -> None:
    """Raise TorchFileError unless each element of the tensor is another of its storage's `length` values."""
    numbers = (tensor.offset, *tensor.shape, *tensor.strides)
    if len(tensor.shape) != len(tensor.strides) or not all(isinstance(n, int) and n >= 0 for n in numbers):
        raise TorchFileError(f"gives {name!r} sizes and strides that make no sense")
    if not prod(tensor.shape):
        return
    reach = 1  # how many values the axes so far span, the fastest first
    for stride, size in sorted(zip(tensor.strides, tensor.shape, strict=True)):
        if size > 1 and stride < reach:
            raise TorchFileError(f"lays {name!r} out so that its elements overlap, which this reader does not know")
        reach += stride * (size - 1)
    if tensor.offset + reach > length:
        raise TorchFileError(f"gives {name!r} sizes and strides that leave its storage")
