"""Ingest of photographs: uploads on their way to the disk, the share of the decode processes, storage errors."""

import asyncio
import tracemalloc
from collections.abc import Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import cast

import pytest
from fastapi import Request
from starlette.types import Message

from app.errors import DeadlinePassed, StorageUnavailable
from app.services.dataset_ingest import BlockingPool, DiskFile, PhotoDecoder, receive_archive
from app.services.datasets import DatasetService, translate_storage_errors
from app.settings import Settings
from jobs.artifacts import ArtifactDamaged, ArtifactsUnavailable
from jobs.artifacts.folder import FolderStore
from vision.decode.images import Picture, View

PIECE = bytes(range(256)) * 256
TIMES = 512  # 32 MB
HEAD = b'--x\r\nContent-Disposition: form-data; name="file"; filename="../../pets.zip"\r\n\r\n'


def form() -> Iterator[bytes]:
    """Send a large file in a form, each piece in memory of its own, as a server would."""
    yield HEAD
    yield from raw()
    yield b"\r\n--x--\r\n"


def raw() -> Iterator[bytes]:
    """Send it as it is."""
    for _ in range(TIMES):
        yield bytes(bytearray(PIECE))


def request(kind: str, body: Iterator[bytes]) -> Request:
    """Make a request whose body comes piece by piece."""

    async def receive() -> Message:
        piece = next(body, None)
        return {"type": "http.request", "body": piece or b"", "more_body": piece is not None}

    return Request({"type": "http", "headers": [(b"content-type", kind.encode())]}, receive)


@pytest.fixture
def pool() -> Iterator[BlockingPool]:
    """Return threads for the disk."""
    made = BlockingPool()
    yield made
    made.close()


@pytest.mark.parametrize(("kind", "body"), [("multipart/form-data; boundary=x", form), ("application/zip", raw)])
def test_an_archive_is_never_in_memory(kind: str, body: object, tmp_path: Path, pool: BlockingPool) -> None:
    """An archive of 32 MB goes to the disk in a few megabytes of memory, under a name of ours, as it was sent."""
    tracemalloc.start()
    try:
        file = asyncio.run(receive_archive(request(kind, body()), tmp_path, pool))  # type: ignore[operator]
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 8_000_000
    assert list(tmp_path.iterdir()) == [file.path]
    assert file.path.read_bytes() == PIECE * TIMES


def test_a_full_disk(tmp_path: Path, pool: BlockingPool) -> None:
    """A disk that is full while a body arrives is a server error that says what to do."""
    (tmp_path / "1.upload").symlink_to("/dev/full")

    async def receive() -> None:
        with translate_storage_errors():
            await receive_archive(request("application/zip", raw()), tmp_path, pool)

    with pytest.raises(StorageUnavailable, match="no room") as error:
        asyncio.run(receive())
    assert error.value.status == 503
    assert error.value.headers == {"Retry-After": "30"}


@pytest.mark.parametrize(
    "error", [ArtifactsUnavailable("away", passing=True), PermissionError(13, "no"), OSError(5, "io")]
)
def test_a_store_that_refuses(error: Exception) -> None:
    """Errors of the disk or the bucket are reported as the service's own, without paths of this machine."""
    with pytest.raises(StorageUnavailable, match="Try again later"), translate_storage_errors():
        raise error
    with pytest.raises(StorageUnavailable, match="damaged"), translate_storage_errors():
        raise ArtifactDamaged("/var/x")
    with pytest.raises(TimeoutError), translate_storage_errors():
        raise TimeoutError


def test_an_upload_that_takes_too_long(tmp_path: Path, pool: BlockingPool) -> None:
    """An upload ends at its time limit, with what to do, and leaves nothing on the disk."""
    decoder = cast("PhotoDecoder", None)
    service = DatasetService(Settings(dataset_seconds=0.1), None, FolderStore(tmp_path), decoder, pool)
    seen = []

    async def take() -> None:
        async with service._scratch_folder("ds_x") as folder:
            (folder / "1.upload").write_bytes(b"half")
            seen.append(folder)
            await asyncio.Event().wait()

    with pytest.raises(DeadlinePassed, match=r"more than 0\.1 s"):
        asyncio.run(take())
    assert [folder.parent for folder in seen] == [tmp_path]
    assert list(tmp_path.iterdir()) == []


class CountedSandbox:
    """Fake sandbox that notes how many pictures it has at once."""

    def __init__(self) -> None:
        self.now: list[Future[Picture]] = []
        self.most = 0

    def decode(self, data: bytes, views: tuple[View, ...]) -> Future[Picture]:
        """Take a picture."""
        assert (data, len(views)) == (b"x", 1)
        future: Future[Picture] = Future()
        self.now.append(future)
        self.most = max(self.most, len(self.now))
        return future

    def done(self) -> None:
        """Finish all of them."""
        for future in self.now:
            future.set_result(Picture(1, 1, "PNG", ()))
        self.now.clear()


def test_photographs_leave_room_for_others() -> None:
    """All uploads together have a bounded number of pictures in the decode processes."""
    sandbox = CountedSandbox()

    async def decode() -> None:
        decoder = PhotoDecoder(sandbox, 2)  # type: ignore[arg-type]
        tasks = [asyncio.create_task(decoder.decode(b"x")) for _ in range(7)]
        while not all(one.done() for one in tasks):
            await asyncio.sleep(0)
            sandbox.done()

    asyncio.run(decode())
    assert sandbox.most == 2


def test_pieces_are_gathered(tmp_path: Path, pool: BlockingPool) -> None:
    """A body that comes in small pieces is written a megabyte at a time, in its order."""

    async def write() -> DiskFile:
        file = DiskFile(tmp_path / "x", "x", pool)
        for number in range(3000):
            await file.write(number.to_bytes(2, "big") * 250)
        assert file.path.stat().st_size == 1_048_500 + 500
        await file.seek(0)
        return file

    file = asyncio.run(write())
    assert file.path.read_bytes() == b"".join(number.to_bytes(2, "big") * 250 for number in range(3000))
