from __future__ import annotations

import pickle
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from vision.networks.torch_legacy import TorchFileError, read_tensors

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Read = Callable[[bytes], dict[str, np.ndarray[Any, Any]]]

MAGIC = 119547037146038801333356
NUMBERS = np.arange(6, dtype="<f4")


class Opcodes(bytes):
    """A piece of a pickle, written as it is."""

    __slots__ = ()


def opcodes(value: object) -> bytes:
    """Pickle a value, pieces of a pickle among its parts included."""
    match value:
        case Opcodes():
            return value
        case tuple():
            return b"(" + b"".join(map(opcodes, value)) + b"t"
        case dict():
            return b"}(" + b"".join(opcodes(key) + opcodes(item) for key, item in value.items()) + b"u"
        case _:
            return pickle.dumps(value, 2)[2:-1]


def _pickled(value: object) -> bytes:
    return b"\x80\x02" + opcodes(value) + b"."


def _name(module: str, attribute: str) -> Opcodes:
    return Opcodes(f"c{module}\n{attribute}\n".encode())


def _call(function: Opcodes, *arguments: object) -> Opcodes:
    return Opcodes(function + opcodes(arguments) + b"R")


def _build(instance: Opcodes, state: object) -> Opcodes:
    return Opcodes(instance + opcodes(state) + b"b")


def _storage(kind: str = "FloatStorage", key: str = "a", length: int = 6, view: object = None) -> Opcodes:
    return Opcodes(opcodes(("storage", _name("torch", kind), key, "cpu", length, view)) + b"Q")


REBUILD = _name("torch._utils", "_rebuild_tensor_v2")
ORDERED = _call(_name("collections", "OrderedDict"))


def _tensor(shape: object = (2, 3), strides: object = (3, 1), offset: int = 0, of: object = None) -> Opcodes:
    return _call(REBUILD, of or _storage(), offset, shape, strides, False, ORDERED)  # noqa: FBT003 - torch's own order


def _content(tensors: object, values: dict[str, Any] | None = None, *, keys: object = None) -> bytes:
    """Write what torch's old format is, with one storage of six numbers unless told otherwise."""
    values = {"a": NUMBERS} if values is None else values
    header = b"".join(pickle.dumps(part, 2) for part in (MAGIC, 1001, {"little_endian": True}))
    raw = b"".join(len(array).to_bytes(8, "little") + array.tobytes() for array in values.values())
    return header + _pickled(tensors) + _pickled(list(values) if keys is None else keys) + raw


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """Write bytes to a file, and read it."""
    path = tmp_path / "weights.pth"
    return lambda data: (path.write_bytes(data), read_tensors(path))[1]


def test_tensors_keep_their_names_order_and_values(read: Read) -> None:
    """Every tensor comes back under its name, in the file's order, as an array of its own."""
    found = read(_content({"z.weight": _tensor(), "a.bias": _tensor((3,), (1,), 3)}))
    assert list(found) == ["z.weight", "a.bias"]
    assert found["z.weight"].tolist() == [[0, 1, 2], [3, 4, 5]]
    assert found["a.bias"].tolist() == [3, 4, 5]
    assert all(array.flags.owndata and array.flags.writeable for array in found.values())


KINDS = ["Half", "Float", "Double", "Byte", "Char", "Short", "Int", "Long", "Bool"]
DTYPES = ["<f2", "<f4", "<f8", "u1", "i1", "<i2", "<i4", "<i8", "?"]


@pytest.mark.parametrize(("kind", "dtype"), list(zip(KINDS, DTYPES, strict=True)))
def test_each_storage_has_its_dtype(read: Read, kind: str, dtype: str) -> None:
    """A storage's type decides how its bytes are read."""
    of = _storage(f"{kind}Storage", length=2)
    found = read(_content({"t": _tensor((2,), (1,), of=of)}, {"a": np.array([0, 1], dtype)}))["t"]
    assert found.dtype == dtype
    assert found.tolist() == [0, 1]


@pytest.mark.parametrize(
    ("shape", "strides", "offset", "expected"),
    [
        ((3, 2), (1, 3), 0, [[0, 3], [1, 4], [2, 5]]),
        ((2, 2), (3, 2), 0, [[0, 2], [3, 5]]),
        ((1, 2), (1, 1), 4, [[4, 5]]),
        ((), (), 5, 5),
        ((0, 3), (3, 1), 0, []),
    ],
)
def test_a_layout_is_followed(read: Read, shape: object, strides: object, offset: int, expected: object) -> None:
    """Transposed, spaced, shifted, scalar and empty tensors are read by their strides, and come back in C order."""
    found = read(_content({"t": _tensor(shape, strides, offset)}))["t"]
    assert found.tolist() == expected
    assert found.flags.c_contiguous


def test_torch_s_own_dictionary_is_read(read: Read) -> None:
    """The ordered dictionary may carry attributes, as torch's does, and none of them is believed."""
    fill = Opcodes(ORDERED + b"(" + opcodes("t") + _tensor() + b"u")
    found = read(_content(_build(fill, {"_metadata": ORDERED, "items": "a trap"})))
    assert found["t"].shape == (2, 3)


def test_a_file_without_tensors_is_read(read: Read) -> None:
    """An empty dictionary is no error."""
    assert read(_content({}, {})) == {}


def test_a_missing_file_is_an_os_error(tmp_path: Path) -> None:
    """A file that is not there raises what opening it raises."""
    with pytest.raises(FileNotFoundError):
        read_tensors(tmp_path / "absent.pth")


@pytest.mark.parametrize("data", [b"", b"hello", b"\x89PNG\r\n\x1a\n", pickle.dumps(1, 2), pickle.dumps([MAGIC], 2)])
def test_another_file_is_refused(read: Read, data: bytes) -> None:
    """A file that does not begin with the magic number is not torch's."""
    with pytest.raises(TorchFileError, match=r"weights\.pth is not one of torch's files"):
        read(data)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"PK\x03\x04", "newer zip format"),
        (_pickled(MAGIC) + _pickled(1002), "protocol 1002"),
        (_pickled(MAGIC) + _pickled(1001) + _pickled({"little_endian": False}), "little-endian"),
    ],
)
def test_another_version_is_refused(read: Read, data: bytes, message: str) -> None:
    """A container, a protocol or a byte order that this reader does not know is refused by name."""
    with pytest.raises(TorchFileError, match=message):
        read(data)


def test_every_truncation_is_refused(read: Read) -> None:
    """A file cut off at any byte is refused, and never read in part."""
    whole = _content({"t": _tensor()})
    for length in range(len(whole)):
        with pytest.raises(TorchFileError):
            read(whole[:length])


def test_a_truncated_storage_is_named(read: Read) -> None:
    """A file that ends inside the values says in which storage."""
    with pytest.raises(TorchFileError, match="is truncated inside storage 'a'"):
        read(_content({"t": _tensor()})[:-1])


@pytest.mark.parametrize(
    ("module", "attribute"),
    [("builtins", "eval"), ("torch", "load"), ("torch", "BFloat16Storage"), ("collections", "UserDict")],
)
def test_any_other_name_is_refused(read: Read, module: str, attribute: str) -> None:
    """A pickle that asks for anything beyond tensors and storages is refused, and told what it asked for."""
    with pytest.raises(TorchFileError, match=rf"asks for {module}\.{attribute}"):
        read(_content({"t": _name(module, attribute)}))


@pytest.mark.parametrize("part", ["magic number", "tensors", "keys"])
def test_a_malicious_pickle_does_not_run(read: Read, tmp_path: Path, part: str) -> None:
    """A pickle that would call os.system is refused in every part of the file, and its command does not run."""
    trap = _call(_name("os", "system"), f"touch {tmp_path / 'trapped'}")
    files = {
        "magic number": _pickled(trap),
        "tensors": _content({"t": trap}),
        "keys": _content({"t": _tensor()}, keys=trap),
    }
    with pytest.raises(TorchFileError):
        read(files[part])
    assert not (tmp_path / "trapped").exists()


@pytest.mark.parametrize("target", [_name("torch", "FloatStorage"), REBUILD, _storage(), _tensor()])
@pytest.mark.parametrize("state", [{"shape": (9,)}, (None, {"shape": (9,)})])
def test_a_pickle_cannot_alter_the_reader(read: Read, target: Opcodes, state: object) -> None:
    """Setting attributes of what stands for torch's names is refused, so that no file changes how the next is read."""
    with pytest.raises(TorchFileError, match="damaged"):
        read(_content({"t": _build(target, state)}))


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        (_tensor((7,), (1,)), "leave its storage"),
        (_tensor((2, 3), (4, 1)), "leave its storage"),
        (_tensor((6,), (1,), 1), "leave its storage"),
        (_tensor((2,), (1,), 2**70), "leave its storage"),
        (_tensor((6,), (1,), -1), "make no sense"),
        (_tensor((-2, 3), (3, 1)), "make no sense"),
        (_tensor((2,), (-1,)), "make no sense"),
        (_tensor((2, 3), (1,)), "make no sense"),
        (_tensor(("2",), (1,)), "make no sense"),
        (_tensor(None, (1,)), "damaged"),
        (_tensor((1,) * 99, (1,) * 99), "damaged"),
        (_tensor((10**9, 10**9), (0, 0)), "overlap"),
        (_tensor((2, 3), (1, 1)), "overlap"),
    ],
)
def test_an_impossible_layout_is_refused(read: Read, broken: Opcodes, message: str) -> None:
    """Sizes and strides that leave the storage, overlap or are no counts at all are refused."""
    with pytest.raises(TorchFileError, match=message):
        read(_content({"t": broken}))


@pytest.mark.parametrize(
    ("tensors", "message"),
    [
        ([1], "holds a list"),
        ({"epoch": 3}, "holds 'epoch', which is not a tensor"),
        ({7: _tensor()}, "holds 7, which is not a tensor with a name"),
        ({"t": _tensor(of=1)}, "holds 't', which is not a tensor"),
        ({"t": _tensor(of=_storage(view=("b", 0, 6)))}, "describes a storage"),
        ({"t": _tensor(of=_storage(length=-1))}, "describes a storage"),
        ({"t": Opcodes(opcodes("module") + b"Q")}, "describes a storage"),
        ({"t": _tensor(of=_storage(key="b"))}, "lists other storages"),
        ({}, "lists other storages"),
        ({"t": _tensor(of=_storage(length=5))}, "two different lengths"),
        ({"t": _tensor(), "u": _tensor(of=_storage("IntStorage"))}, "two different types"),
    ],
)
def test_other_contents_are_refused(read: Read, tensors: object, message: str) -> None:
    """Whatever is not a dictionary of named tensors over the storages that follow it is refused."""
    with pytest.raises(TorchFileError, match=message):
        read(_content(tensors))
