"""Archives that are made to do harm: each has its bound, and its answer."""

import gzip
import io
import struct
import tarfile
import tracemalloc
import zipfile
import zlib
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from jobs.datasets.archives.items import ArchiveTooLarge, Bounds, BrokenArchive, File, Item, NotAnArchive, Passed
from jobs.datasets.archives.names import shown
from jobs.datasets.archives.reading import is_archive, items
from support.datasets import pets, picture, tarred, zipped

BOUNDS = Bounds(members=50, file_bytes=2_000_000, total_bytes=5_000_000)
GOOD = {"cats/1.png": picture(1)}
OUT = ["../x.png", "cats/../../x.png", "/etc/passwd", "C:\\x.png", "c:x.png", "..\\x.png", "\\\\host\\x.png", "a/.."]
UNSEEN = ["cats/a\nb.png", "cats/a\x1b[31m.png", "cats/\u202egnp.exe", "cats/\u2066x.png", "a\u2028b/x.png"]


def read(data: bytes, bounds: Bounds = BOUNDS) -> list[Item]:
    """Read an archive to its end."""
    return list(items(io.BytesIO(data), bounds))


def passed(data: bytes) -> str:
    """Read an archive that has one good file in it; return why the other was passed."""
    found = read(data)
    assert [item for item in found if isinstance(item, File)] == [File(*one) for one in GOOD.items()]
    (other,) = (item for item in found if isinstance(item, Passed))
    return other.reason


def special(kind: bytes, name: str = "cats/x.png", **about: object) -> tarfile.TarInfo:
    """Make a member of a tar that is no plain file."""
    info = tarfile.TarInfo(name)
    info.type = kind
    for what, value in about.items():
        setattr(info, what, value)
    return info


@pytest.mark.parametrize("name", OUT)
def test_paths_that_climb_out(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A path that leads out of the archive, on any system, is passed; and nothing is written anywhere, by any name."""
    monkeypatch.chdir(tmp_path)
    for packed in (zipped, tarred):
        assert "leads out" in passed(packed({name: b"x"} | GOOD))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", UNSEEN)
def test_characters_that_nobody_sees(name: str) -> None:
    """A name with control characters, or such as turn the text around, is passed, and shown with them written out."""
    for packed in (zipped, tarred):
        assert "cannot be seen" in passed(packed({name: b"x"} | GOOD))
    assert shown(name).isprintable()


def test_very_long_names() -> None:
    """A path of more than a thousand characters is passed, and shown in part."""
    for packed in (zipped, tarred):
        found = read(packed({f"cats/{'x' * 5000}.png": b"x"} | GOOD))
        (other,) = (item for item in found if isinstance(item, Passed))
        assert "1,000 characters" in other.reason
        assert len(other.path) < 250


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (tarfile.SYMTYPE, "link"),
        (tarfile.LNKTYPE, "link"),
        (tarfile.CHRTYPE, "no plain file"),
        (tarfile.BLKTYPE, "no plain file"),
        (tarfile.FIFOTYPE, "no plain file"),
    ],
)
def test_what_is_no_file_in_a_tar(kind: bytes, words: str) -> None:
    """Links, which are not followed, devices and pipes are passed."""
    assert words in passed(tarred({"x": special(kind, linkname="/etc/passwd")} | GOOD))


@pytest.mark.parametrize(("mode", "words"), [(0o120777, "link"), (0o020666, "no plain file"), (0o010666, "no plain")])
def test_what_is_no_file_in_a_zip(mode: int, words: str) -> None:
    """A zip can have links and devices as well."""
    buffer = io.BytesIO(zipped(GOOD))
    with zipfile.ZipFile(buffer, "a") as archive:
        info = zipfile.ZipInfo("cats/x.png")
        info.external_attr, info.create_system = mode << 16, 3
        archive.writestr(info, "/etc/passwd")
    assert words in passed(buffer.getvalue())


def test_encrypted_members() -> None:
    """An encrypted file in a zip is passed with what to do."""
    data = bytearray(zipped({"cats/x.png": b"secret"} | GOOD))
    for signature, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(signature) + at] |= 1
    assert "without a password" in passed(bytes(data))


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_other_methods(method: int) -> None:
    """What is packed by another method than Deflate, which may ask for gigabytes, is not unpacked."""
    buffer = io.BytesIO(zipped(GOOD))
    with zipfile.ZipFile(buffer, "a") as archive:
        archive.writestr("cats/x.png", b"x", method)
    assert "Deflate" in passed(buffer.getvalue())


def test_a_file_that_unpacks_to_too_much() -> None:
    """A file of nothing but zeros is known by its ratio, and a large one by its size; neither is unpacked."""
    assert "100 times" in passed(zipped({"cats/x.png": bytes(1_900_000)} | GOOD))
    for packed in (zipped, tarred):
        assert "2,000,000 bytes" in passed(packed({"cats/x.png": bytes(2_000_001)} | GOOD))


@pytest.mark.parametrize("packed", [zipped, tarred])
def test_an_archive_that_unpacks_to_too_much(packed: Callable[[dict[str, bytes]], bytes]) -> None:
    """What unpacks to more than the bound on the whole is refused, and read no further."""
    with pytest.raises(ArchiveTooLarge, match="5,000,000 bytes"):
        read(packed({f"cats/{number}.png": bytes(900_000) for number in range(7)}))


def test_a_gzip_bomb() -> None:
    """A gigabyte of zeros behind one header is counted as it is unpacked, and given up early in little memory."""
    info = tarfile.TarInfo("cats/1.png")
    info.size = 2**30
    bomb = gzip.compress(info.tobuf() + bytes(30_000_000))
    tracemalloc.start()
    try:
        with pytest.raises(ArchiveTooLarge, match="unpacks to more"):
            read(bomb)
        assert tracemalloc.get_traced_memory()[1] < 3_000_000
    finally:
        tracemalloc.stop()


def test_a_length_that_lies() -> None:
    """A zip whose directory says that a file is small gives no more than that, which is then damaged."""
    data = zipped({"cats/x.png": bytes(100_000)} | GOOD)
    lying = data.replace(struct.pack("<L", 100_000), struct.pack("<L", 10))
    assert lying != data
    assert "damaged" in passed(lying)


@pytest.mark.parametrize(("said", "summed"), [(10, bytes(10)), (10, b"other"), (0, b"other")])
def test_a_zip_bomb_that_says_it_is_small(said: int, summed: bytes) -> None:
    """Of 200 MB of zeros that call themselves a few bytes, no more are unpacked, and their checksum is compared."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        with archive.open("cats/x.png", "w") as member:
            for _ in range(200):
                member.write(bytes(1_000_000))
        (info,) = archive.infolist()
        info.file_size, info.CRC = said, zlib.crc32(summed)  # as the directory will have it
    bomb = buffer.getvalue()
    tracemalloc.start()
    try:
        (found,) = read(bomb)
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
    finally:
        tracemalloc.stop()
    good = summed == bytes(said)
    assert found == (File("cats/x.png", summed) if good else Passed("cats/x.png", "It is damaged in the archive."))


@pytest.mark.parametrize("packed", [zipped, tarred])
def test_too_many_members(packed: Callable[[dict[str, bytes]], bytes]) -> None:
    """More files and folders than may be are refused."""
    with pytest.raises(ArchiveTooLarge, match="more than 50 files"):
        read(packed({f"cats/{number}.png": b"" for number in range(51)}))
    assert len(read(packed({f"cats/{number}.png": b"" for number in range(50)}))) == 50


def test_two_million_members() -> None:
    """A directory of two million entries is refused before it is read: it would take gigabytes of objects."""
    name = b"cats/1.png"
    entry = struct.pack("<4s4B4HL2L5H2L", b"PK\x01\x02", *[0] * 11, len(name), *[0] * 6) + name
    count = 2_000_000
    directory = entry * count
    end64 = struct.pack("<4sQ2H2L4Q", b"PK\x06\x06", 44, 45, 45, 0, 0, count, count, len(directory), 0)
    locator = struct.pack("<4sLQL", b"PK\x06\x07", 0, len(directory), 1)
    end = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0)
    file = io.BytesIO(b"PK\x03\x04" + directory + end64 + locator + end)
    tracemalloc.start()
    try:
        with pytest.raises(ArchiveTooLarge, match="files and folders"):
            list(items(file, Bounds(60_000, 1000, 10**9)))
        assert tracemalloc.get_traced_memory()[1] < 40_000_000
    finally:
        tracemalloc.stop()


def test_nested_archives_are_known() -> None:
    """An archive in an archive is known for one, whatever its name is."""
    assert is_archive(zipped(GOOD))
    assert is_archive(tarred(GOOD))
    assert is_archive(tarred(GOOD, "w"))
    assert not is_archive(picture(1))


def test_pax_headers_of_a_hundred_megabytes() -> None:
    """What is said of a file in a tar may be a megabyte, and what says that it is more is not read."""
    for kind in (tarfile.XHDTYPE, tarfile.GNUTYPE_LONGNAME):
        header = special(kind, "x", size=100_000_000)
        with pytest.raises(ArchiveTooLarge, match="header"):
            read(gzip.compress(header.tobuf() + bytes(5_000_000)))


def test_headers_without_an_end() -> None:
    """Headers upon headers, without a file, are given up."""
    header = special(tarfile.XHDTYPE, "x", size=512).tobuf() + b"13 path=hello\n".ljust(512, b"\0")
    with pytest.raises((ArchiveTooLarge, BrokenArchive, NotAnArchive)):  # as this Python's tarfile calls it
        read(gzip.compress(header * 5000))


def test_sparse_files() -> None:
    """A sparse file, which can say that it is of any size, is passed."""
    member = special(tarfile.GNUTYPE_SPARSE, size=0)
    data = bytearray(member.tobuf(tarfile.GNU_FORMAT))
    data[386:410] = b"00000000000\0" + b"00000000000\0"
    data[483:495] = b"77777777777\0"  # eight gigabytes of it
    data[148:156] = b"%06o\0 " % (256 + sum(data[:148]) + sum(data[156:512]))
    assert "sparse" in passed(bytes(data) + tarred(GOOD, "w"))


def test_lengths_below_zero() -> None:
    """A length below zero, which would lead a reader around in circles, is damage."""
    good = tarred(GOOD, "w")
    data = bytearray(tarfile.TarInfo("cats/x.png").tobuf(tarfile.GNU_FORMAT))
    data[124:136] = b"\xff" * 10 + b"\xfe\x00"
    data[148:156] = b"%06o\0 " % (256 + sum(data[:148]) + sum(data[156:512]))
    first = 512 * (1 + -(-len(picture(1)) // 512))
    with pytest.raises(BrokenArchive):
        read(good[:first] + bytes(data) + good)


def test_any_byte_may_be_wrong() -> None:
    """Whatever bytes of an archive are changed, it is read, or refused: nothing else is raised."""
    changed = 0
    for data in (zipped(pets()), tarred(pets()), tarred(pets(), "w", tarfile.GNU_FORMAT)[: 4 * 2048]):
        for at in range(0, len(data), 37):
            wrong = data[:at] + bytes([data[at] ^ 0x5A]) + data[at + 1 :]
            with suppress(NotAnArchive, BrokenArchive, ArchiveTooLarge):
                read(wrong)
            changed += 1
    assert changed > 300
