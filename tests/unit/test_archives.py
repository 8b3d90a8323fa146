"""Archives as people send them: every kind, every script, and what systems leave in them."""

import gzip
import io
import struct
import tarfile
import unicodedata
import zipfile
from collections.abc import Callable

import pytest

from jobs.datasets.archives.items import Bounds, BrokenArchive, File, Folder, Item, NotAnArchive, Passed
from jobs.datasets.archives.reading import items
from support.datasets import pets, picture, tarred, zipped

Packed = Callable[[dict[str, bytes]], bytes]
BOUNDS = Bounds(members=100, file_bytes=100_000, total_bytes=1_000_000)
KINDS = [
    pytest.param(zipped, id="zip"),
    pytest.param(lambda files: zipped(files, zipfile.ZIP_STORED), id="zip, stored"),
    pytest.param(tarred, id="tar.gz"),
    pytest.param(lambda files: tarred(files, "w"), id="tar"),
    pytest.param(lambda files: tarred(files, "w", tarfile.GNU_FORMAT), id="tar, GNU"),
    pytest.param(lambda files: tarred(files, "w", tarfile.USTAR_FORMAT), id="tar, ustar"),
]


def read(data: bytes, bounds: Bounds = BOUNDS) -> list[Item]:
    """Read an archive to its end."""
    return list(items(io.BytesIO(data), bounds))


def files(data: bytes, bounds: Bounds = BOUNDS) -> dict[str, bytes]:
    """Read an archive's files."""
    return dict(item for item in read(data, bounds) if isinstance(item, File))


@pytest.mark.parametrize("packed", KINDS)
def test_every_kind_gives_its_files(packed: Packed) -> None:
    """Whatever kind of archive it is, each file comes out whole, under its own path."""
    assert files(packed(pets())) == pets()


def test_a_tar_as_people_make_it() -> None:
    """`tar -C folder -c .` names everything from a dot on, folders too, which is nothing that anybody means."""
    top, folder = tarfile.TarInfo("./"), tarfile.TarInfo("./cats")
    top.type = folder.type = tarfile.DIRTYPE
    assert read(tarred({"./": top, "./cats": folder, "./cats/1.png": picture(1)})) == [
        Folder("cats"),
        File("cats/1.png", picture(1)),
    ]


def test_what_systems_leave_is_passed_over() -> None:
    """What macOS, Windows and hidden folders leave is neither taken nor told of."""
    left = ("__MACOSX/cats/._1.png", "cats/.DS_Store", "cats/Thumbs.db", "desktop.ini", ".git/config", "cats/._1.png")
    for packed in (zipped, tarred):
        assert [item.path for item in read(packed(dict.fromkeys(left, b"x") | {"cats/1.png": b"y"}))] == ["cats/1.png"]


@pytest.mark.parametrize("name", ["котики", "قطط", "猫", "חתול", "🐈‍⬛", "बिल्ली", "cafés"])
@pytest.mark.parametrize("packed", KINDS[:5])
def test_names_in_any_script(packed: Packed, name: str) -> None:
    """A class may be named in any script, right to left or with emoji."""
    assert list(files(packed({f"{name}/1.png": b"x"}))) == [f"{name}/1.png"]


def test_one_name_in_two_forms() -> None:
    """A name that one system composes and another takes apart is one name."""
    composed, apart = (unicodedata.normalize(form, "Käse") for form in ("NFC", "NFD"))
    assert composed != apart
    for packed in (zipped, tarred):
        assert {item.path for item in read(packed({f"{apart}/1.png": b"x"}))} == {f"{composed}/1.png"}


@pytest.mark.parametrize(("raw", "name"), [("Käse".encode(), "Käse"), ("Käse".encode("cp437"), "Käse")])
def test_zips_that_do_not_say_utf8(raw: bytes, name: str) -> None:
    """Without the flag a name is read as the UTF-8 that it is, or else in code page 437, as the format says."""
    data = zipped({"KKKKK"[: len(raw)] + "/1.png": b"x"}).replace(b"KKKKK"[: len(raw)] + b"/", raw + b"/")
    assert list(files(data)) == [f"{name}/1.png"]


def test_zips_of_old_windows_programs() -> None:
    """A backslash parts folders, as some programs write it."""
    data = zipped({"cats/1.png": b"x", "cats/": b""}).replace(b"cats/", b"cats\\")
    assert read(data) == [File("cats/1.png", b"x"), Folder("cats")]


def test_zip64() -> None:
    """A zip with 64-bit lengths is read as any other."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive, archive.open("cats/1.png", "w", force_zip64=True) as member:
        member.write(picture(1))
    assert files(buffer.getvalue()) == {"cats/1.png": picture(1)}


def test_bytes_before_and_after() -> None:
    """What some tools put before a zip, or behind any archive, does no harm."""
    for data in (
        zipped(pets()) + b"x" * 1000,
        tarred(pets(), "w") + b"x" * 1000,
        tarred(pets()) + bytes(512),
        tarred(pets()) + b"x" * 9,
    ):
        assert files(data) == pets()


def test_a_name_twice() -> None:
    """Two files with one name both come out; which of them is meant is not for the archive to say."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("cats/1.png", b"1")
        with pytest.warns(UserWarning, match="Duplicate name"):
            archive.writestr("cats/1.png", b"2")
    assert read(buffer.getvalue()) == [File("cats/1.png", b"1"), File("cats/1.png", b"2")]


@pytest.mark.parametrize("packed", KINDS)
def test_cut_off(packed: Packed) -> None:
    """An archive that ends too early, wherever it was cut, is never taken for a whole one."""
    data = packed(pets())
    ends = data.rindex(picture(3)[-9:]) + 9 if data[257:262] == b"ustar" else len(data)
    for size in {8, 100, 512, ends // 3, ends // 2, ends - 512, ends - 30, ends - 1, 512 * (ends // 512)} - {ends}:
        with pytest.raises((BrokenArchive, NotAnArchive)):
            read(data[:size])


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "empty"),
        (b"hello, I am a text", "neither a zip nor a tar"),
        (b"7z\xbc\xaf\x27\x1c" + bytes(100), "7z"),
        (b"Rar!\x1a\x07\0" + bytes(100), "RAR"),
        (b"BZh9" + bytes(100), "bzip2"),
        (picture(1), "single picture"),
        (gzip.compress(b"hello" * 200, mtime=0), "neither a zip nor a tar"),
    ],
)
def test_no_archive(data: bytes, words: str) -> None:
    """What is no archive, or one of another kind, is told of with what to send instead."""
    with pytest.raises(NotAnArchive, match=words) as error:
        read(data)
    assert "zip" in str(error.value)


def test_a_damaged_file_in_a_zip_loses_no_other() -> None:
    """A file whose bytes were changed in the zip is passed with the reason, and the others come out."""
    data = zipped(pets(), zipfile.ZIP_STORED).replace(picture(1)[-40:], b"?" * 40)
    found = read(data)
    assert [item.path for item in found if isinstance(item, File)] == ["cats/1.png", "dogs/1.png", "dogs/2.png"]
    assert [item for item in found if isinstance(item, Passed)] == [
        Passed("cats/2.png", "It is damaged in the archive.")
    ]


def test_a_damaged_header_in_a_tar() -> None:
    """A header that was changed in the middle of a tar is told of: tarfile alone takes it for the end."""
    data = bytearray(tarred(pets(), "w", tarfile.USTAR_FORMAT))
    at = data.index(b"dogs/1.png")
    struct.pack_into("8s", data, at + 148, b"1234567\0")
    with pytest.raises(BrokenArchive, match="damaged"):
        read(bytes(data))
