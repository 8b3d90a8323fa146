"""What many tests need: the photographs, and a service with dummy networks."""

import gc
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from xdist.scheduler import LoadScopeScheduling

from app.settings import Settings
from support.api_keys import Headers, closed
from support.images import PHOTOS
from support.live_server import Live, live

# Files whose tests share a session fixture that takes long to make: `house`, `desk`, `random_weights`.
SHARED = {f"test_page_{name}": "house" for name in ("draw", "form", "key", "own", "photo", "sending", "train")}
SHARED |= {f"test_{name}": "desk" for name in ("answers", "command_finetune", "command_line", "wheel")}
SHARED |= {f"test_{name}": "random_weights" for name in ("equal_to_keras", "take_over", "vgg")}

# Whoever runs the tests in the background may have SIGINT ignored, and so would every process that a test interrupts.
signal.signal(signal.SIGINT, signal.default_int_handler)

# What is imported and collected stays to the end, half a million objects of TensorFlow's alone: the garbage collector
# need not go through them.
gc.disable()


def pytest_configure(config: pytest.Config) -> None:
    """Let SIGHUP, which is ignored under nohup, pass a handler where tests run: what they start inherits no handler."""
    # The process that only hands out tests goes on ignoring it: with a handler, those that it starts would be hung up.
    if signal.getsignal(signal.SIGHUP) == signal.SIG_IGN and not config.getvalue("numprocesses"):
        signal.signal(signal.SIGHUP, lambda *_: None)


def pytest_collection_finish() -> None:
    """Take what is there by now out of the garbage collector's rounds."""
    gc.freeze()
    gc.enable()


@pytest.fixture
def photos() -> Path:
    """Return the folder with the four photographs, which are not part of the project."""
    if not PHOTOS.is_dir():
        pytest.skip(f"the photographs are not at {PHOTOS}")
    return PHOTOS


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """Serve with dummy networks on a free port."""
    with live(Settings(data_dir=tmp_path_factory.mktemp("data"), decode_processes=1)) as running:
        yield running


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Live, Headers]]:
    """Serve with four keys."""
    names = ("classifier-classify", "trainer-train", "both-classify-train", "boss-admin")
    settings, headers = closed(tmp_path_factory.mktemp("data"), *names, metrics="closed", allowed_hosts="*.example.com")
    with live(settings) as running:
        yield running, headers


@pytest.fixture
def client(guarded: tuple[Live, Headers]) -> httpx.Client:
    """Call the service."""
    return guarded[0].client


@pytest.fixture
def keys(guarded: tuple[Live, Headers]) -> Headers:
    """Name the headers that send each key."""
    return guarded[1]


class ByService(LoadScopeScheduling):
    """Runs the tests of a file, and of all files that share a costly service or file, in one process of xdist's."""

    def _split_scope(self, nodeid: str) -> str:
        path = nodeid.partition("::")[0]
        return SHARED.get(Path(path).stem, path)


def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> ByService | None:
    """Schedule by service where xdist would schedule by file."""
    return ByService(config, log) if config.getvalue("dist") == "loadfile" else None


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> None:
    """Turn a skip into a failure where everything that tests want was installed."""
    skipped = call.excinfo is not None and call.excinfo.errisinstance(pytest.skip.Exception)
    if skipped and os.environ.get("BESTGUESS_TESTS_MUST_RUN"):
        reason = f"{item.nodeid} may not skip here: {call.excinfo.value}"
        call.excinfo = pytest.ExceptionInfo.from_exception(AssertionError(reason))
