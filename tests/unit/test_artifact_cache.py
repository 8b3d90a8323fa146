"""Files of trained networks on this machine: copies of what is kept elsewhere, and what became of those that went."""

from __future__ import annotations

import asyncio
import contextlib
import os
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pytest

from app.errors import ModelUnusable, NotFound
from app.inference.artifact_cache import IN_USE, THREADS, ArtifactCache, Copies
from app.services.models import ModelCatalog
from jobs.artifacts import ArtifactDamaged
from jobs.errors import ModelNotFound, StoreUnavailable
from support.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from app.inference.classifier import Networks
    from app.inference.model_cache import ModelCache
    from jobs.artifacts import ArtifactStore
    from jobs.async_registry import AsyncRegistry
    from jobs.trained import TrainedModel


class Elsewhere:
    """A store that is no folder: it copies, once; the files in `hung` come when it is let `go`."""

    def __init__(self) -> None:
        self.copied: list[str] = []
        self.removed: list[str] = []
        self.asked: list[str] = []
        self.hung: set[str] = set()
        self.gone: set[str] = set()
        self.go = threading.Event()

    def fetch(self, job_id: str, name: str, sha256: str, to: Path) -> Path:
        """Copy a file, unless it is there."""
        self.asked.append(job_id)
        if job_id in self.hung:
            self.go.wait(10)
        if job_id in self.gone:
            raise ArtifactDamaged(f"{name} of {job_id} is not there")
        path = to / f"{job_id}-{sha256}" / name
        if not path.exists():
            path.parent.mkdir(exist_ok=True)
            path.write_text(job_id)
            self.copied.append(f"{job_id}/{name}")
        return path

    def remove(self, job_id: str) -> None:
        """Remove a network's files."""
        self.removed.append(job_id)


class Registry:
    """A registry that knows some networks, or that is away."""

    def __init__(self, *known: str, away: bool = False) -> None:
        self._known, self._away = known, away

    async def get(self, name: str) -> None:
        """Look one up."""
        if self._away:
            raise StoreUnavailable("away")
        if name not in self._known:
            raise ModelNotFound(name)


class Model:
    """What is asked for: a network with two files."""

    def __init__(self, model_id: str) -> None:
        self.id = model_id
        files = (("model.keras", "0"), ("report.json", "1"))
        self.files: dict[str, Any] = {name: type("File", (), {"sha256": digit * 64}) for name, digit in files}


def model(model_id: str) -> TrainedModel:
    """Make one."""
    return cast("TrainedModel", Model(model_id))


@pytest.fixture
def store() -> Iterator[Elsewhere]:
    """Make a store, and let go of whatever hangs in it at the end."""
    made = Elsewhere()
    yield made
    made.go.set()


def here(store: Elsewhere, most: int = 2, registry: Registry | None = None) -> ArtifactCache:
    """Keep copies of a store's files."""
    return ArtifactCache(cast("ArtifactStore", store), cast("AsyncRegistry", registry), Copies(most))


def got(files: ArtifactCache, model_id: str, name: str = "model.keras") -> Path:
    """Have a file here."""
    return asyncio.run(files.get(model(model_id), name))


def long_ago(*paths: Path) -> None:
    """Let copies be of another time, the first of them the oldest."""
    for age, path in enumerate(reversed(paths)):
        moment = time.time() - IN_USE - 10 - age
        os.utime(path.parent, (moment, moment))


def test_the_networks_used_longest_ago_go(store: Elsewhere) -> None:
    """As many networks as may keep their copies, whatever files they have; the last use counts, not the copying."""
    files = here(store)
    a, report, b = got(files, "a"), got(files, "a", "report.json"), got(files, "b")
    long_ago(a, report, b)
    assert got(files, "a") == a  # used again, the newer of the two
    c = got(files, "c")
    assert [path.exists() for path in (a, report, b, c)] == [True, True, False, True]
    assert store.copied == ["a/model.keras", "a/report.json", "b/model.keras", "c/model.keras"]
    assert got(files, "b").read_text() == "b"
    files.close()
    assert not a.exists()


def test_what_is_in_use_stays(store: Elsewhere) -> None:
    """A path that was handed out a moment ago stays good, however many others are asked for."""
    files = here(store, most=1)
    paths = [got(files, model_id) for model_id in "abcdef"]
    assert all(path.exists() for path in paths)
    long_ago(*paths)
    got(files, "f")
    assert [path.exists() for path in paths] == [False] * 5 + [True]
    files.close()


def test_a_folder_that_was_tidied_away_is_made_anew(store: Elsewhere) -> None:
    """Nothing is made before it is needed, and who empties /tmp costs a copy, not the service."""
    files = here(store)
    files.close()
    files = here(store)
    first = got(files, "a")
    for path in (first, first.parent, first.parent.parent):
        path.unlink() if path.is_file() else path.rmdir()
    assert got(files, "a").read_text() == "a"
    files.close()


def test_a_file_is_copied_once_for_all_who_wait(store: Elsewhere) -> None:
    """Many who ask for one file at once have it copied once, and who leaves does not take it from the others."""
    store.hung = {"a"}

    async def scene() -> list[Path]:
        files = here(store)
        waiting = [asyncio.create_task(files.get(model("a"), "model.keras")) for _ in range(10)]
        await asyncio.to_thread(wait_until, lambda: store.asked, 10)
        waiting[0].cancel()
        store.go.set()
        paths = await asyncio.gather(*waiting[1:])
        files.close()
        return paths

    assert len(set(asyncio.run(scene()))) == 1
    assert store.copied == ["a/model.keras"]


def test_a_hung_file_holds_up_no_other(store: Elsewhere) -> None:
    """While the store is silent for some files, others are had, and the event loop's own threads are free."""
    hung = [f"hung{number}" for number in range(THREADS - 1)]
    store.hung = {*hung}

    async def scene() -> tuple[str, str]:
        files = here(store, most=8)
        waiting = [asyncio.create_task(files.get(model(name), "model.keras")) for name in hung]
        await asyncio.to_thread(wait_until, lambda: {*store.asked} >= {*hung}, 10)
        found = await files.read(model("a"), "model.keras")
        free = await asyncio.to_thread(lambda: threading.current_thread().name)
        store.go.set()
        await asyncio.gather(*waiting)
        files.close()
        return found.decode(), free

    found, free = asyncio.run(scene())
    assert found == "a"
    assert free.startswith("asyncio")


def test_files_are_not_waited_for_beyond_the_deadline(store: Elsewhere) -> None:
    """A store that does not answer in time makes the network unusable for now, and says when to come back."""
    store.hung = {"a"}

    async def scene() -> None:
        files = here(store)
        trained = cast("ModelCache", type("Trained", (), {"files": files}))
        catalog = ModelCatalog(cast("Networks", None), trained, None, deadline=0.05)
        for ask in (catalog.fetch_file(model("a"), "model.keras"), catalog.read_report(model("a"))):
            with pytest.raises(ModelUnusable) as error:
                await ask
            assert error.value.headers == {"Retry-After": "30"}
        assert await catalog.try_report(model("a")) == (None, "Its report cannot be reached. Try again later.")
        store.go.set()
        files.close()

    asyncio.run(scene())


def test_a_network_that_was_removed_is_not_damaged(store: Elsewhere) -> None:
    """Files that went with their network are a 404; files that are gone without it are damaged, as far as is known."""
    store.gone = {"a"}
    for registry, error in (
        (Registry("b"), NotFound),
        (Registry("a"), ArtifactDamaged),
        (Registry(away=True), ArtifactDamaged),
        (None, ArtifactDamaged),
    ):
        with contextlib.closing(here(store, registry=registry)) as files, pytest.raises(error):
            got(files, "a")


def test_a_file_that_goes_before_it_is_read() -> None:
    """A file that goes between being found and being read is a 404."""

    class Going(Elsewhere):
        def fetch(self, *_: object, **__: object) -> Path:
            return Path("/nowhere/at/all")

    with contextlib.closing(here(Going())) as files, pytest.raises(NotFound, match="removed"):
        asyncio.run(files.read(model("a"), "report.json"))


def test_removal(store: Elsewhere) -> None:
    """A network is removed where it is kept and here, and no other with it."""
    files = here(store)
    a, b = got(files, "a"), got(files, "b")
    asyncio.run(files.remove("a"))
    assert store.removed == ["a"]
    assert (a.exists(), b.exists()) == (False, True)
    files.close()
