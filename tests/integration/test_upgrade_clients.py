"""Clients that by default, or when told to, offer to go on in HTTP/2, which the service ignores."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from support.images import encoded, noise

if TYPE_CHECKING:
    from support.live_server import Live

JAVA = Path(__file__).parents[1] / "support" / "OffersUpgrade.java"
QUICK = ("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xmx256m")


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    """Write a photo that needs several packets."""
    path = tmp_path / "a.png"
    path.write_bytes(encoded(noise((400, 300)), "PNG"))
    return path


def run(*words: object) -> str:
    """Run a command, and return what it prints."""
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_java(api: Live, photo: Path) -> None:
    """Java's HttpClient in its default configuration posts JSON and a form, and the service reads both."""
    if not (shutil.which("java") and shutil.which("javac")):
        pytest.skip("no JDK is installed")
    printed = run("java", *QUICK, JAVA, api.client.base_url, photo)
    answers = [line.split(" ", 1) for line in printed.splitlines()]
    assert [status for status, _ in answers] == ["202", "200", "202"], printed
    job, classified, chunked = (json.loads(body) for _, body in answers)
    assert (job["params"]["steps"], chunked["params"]["steps"]) == (7, 7)
    assert len(classified["predictions"]) == 10


def test_curl(api: Live, photo: Path) -> None:
    """`curl --http2` posts JSON and a form, one after the other on a connection, and the service reads both."""
    if not shutil.which("curl") or "HTTP2" not in run("curl", "--version"):
        pytest.skip("no curl with HTTP/2 is installed")
    url = str(api.client.base_url).rstrip("/")
    job = ("--json", '{"steps": 7}', f"{url}/jobs/mnist-train")
    form = ("--form", f"file=@{photo}", f"{url}/classify")
    common = (
        "--http2",
        "--silent",
        "--show-error",
        "--max-time",
        "60",
        "--write-out",
        "\n%{http_code} %{num_connects}\n",
    )
    lines = run("curl", *common, *job, "--next", *common, *form).splitlines()
    assert json.loads(lines[0])["params"]["steps"] == 7
    assert len(json.loads(lines[2])["predictions"]) == 10
    assert [lines[1], lines[3]] == ["202 1", "200 0"]
