import subprocess
import sys
from pathlib import Path

import pytest

from jobs.artifacts import open_store
from jobs.artifacts.bucket import BucketStore
from jobs.artifacts.folder import FolderStore
from jobs.settings import SettingsError, SharedSettings


@pytest.mark.parametrize(
    ("url", "folder"),
    [
        (None, "data/models"),
        ("/mnt/models", "/mnt/models"),
        ("file:///mnt/models", "/mnt/models"),
        ("models", "models"),
    ],
)
def test_folders(url: str | None, folder: str) -> None:
    """A path, or a URL of a file, is a folder; without either it lies in the data folder."""
    store = open_store(url, Path("data"))
    assert isinstance(store, FolderStore)
    assert store.root == Path(folder)


def test_any_other_url() -> None:
    """Any other URL is left to fsspec."""
    assert isinstance(open_store("s3://bucket/prefix", Path("data")), BucketStore)


def test_usable(monkeypatch: pytest.MonkeyPatch) -> None:
    """A bucket's URL is taken as it is, and an empty variable is none."""
    monkeypatch.setenv("BESTGUESS_ARTIFACTS_URL", "s3://bucket/prefix")
    assert SharedSettings.load().artifacts_url == "s3://bucket/prefix"
    monkeypatch.setenv("BESTGUESS_ARTIFACTS_URL", "")
    assert SharedSettings.load().artifacts_url is None


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("s4://bucket/prefix", "no 's4'"),
        ("S3://bucket", "no 'S3'"),
        ("simplecache::s3://bucket", "no 'simplecache::s3'"),
        ("s3:/bucket/prefix", "neither a folder nor a URL"),
        ("s3://", "names no place"),
        ("file:///", "names no place"),
        ("memory://bucket", "cannot be written and shared"),
        ("https://example.org/models", "cannot be written and shared"),
        ("xrootd://host/x", "no 'xrootd'"),
        ("root://host/x", "fsspec-xrootd"),
    ],
)
def test_unusable(monkeypatch: pytest.MonkeyPatch, url: str, reason: str) -> None:
    """What cannot be a place for artifacts is told of before anything starts, with what to write instead."""
    monkeypatch.setenv("BESTGUESS_ARTIFACTS_URL", url)
    with pytest.raises(SettingsError, match=reason) as error:
        SharedSettings.load()
    assert str(error.value).startswith(f"BESTGUESS_ARTIFACTS_URL={url!r}: ")


@pytest.mark.parametrize(
    "url",
    [
        "xrootd://me:secret@host/x",
        "s3:/me:secret@bucket",
        "me:secret@host/models",
        "me:secret@host://models",
        "s4://me:sec/ret@host:80/x@y",
    ],
)
def test_no_password_is_repeated(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    """What is said of a setting that cannot be used has no password in it, wherever it was written."""
    monkeypatch.setenv("BESTGUESS_ARTIFACTS_URL", url)
    with pytest.raises(SettingsError, match="BESTGUESS_ARTIFACTS_URL=") as error:
        SharedSettings.load()
    assert "sec" not in str(error.value)
    assert "@" in str(error.value)


def test_a_folder_needs_no_library() -> None:
    """Whoever keeps artifacts in a folder imports nothing for the network, and nobody imports it before it is used."""
    code = (
        "import sys, pathlib, jobs.artifacts as a; here = pathlib.Path('.');"
        "a.open_store(None, here); a.open_store('s3://bucket', here);"
        "print([name for name in ('fsspec', 's3fs', 'botocore', 'aiohttp') if name in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
