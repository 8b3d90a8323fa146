"""The proxy as `deploy/haproxy/haproxy.cfg` sets it up, in front of one server that tells what reached it."""

from __future__ import annotations

import json
import os
import shutil
import socket
import ssl
import subprocess
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import psutil
import pytest

from support.live_server import read_answer
from support.ports import free_port
from support.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

CONFIG = Path(__file__).parents[2] / "deploy" / "haproxy" / "haproxy.cfg"


class Echo(BaseHTTPRequestHandler):
    """Answers every request with its headers, as JSON."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Answer."""
        body = json.dumps({name.lower(): value for name, value in self.headers.items()}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def program() -> str:
    """Find HAProxy."""
    found = shutil.which("haproxy", path=f"{os.environ.get('PATH', os.defpath)}:/usr/sbin")
    if found is None:
        pytest.skip("no HAProxy on this machine; on Debian: apt-get install haproxy")
    return found


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a certificate for localhost, with its key in the same file, as HAProxy wants it."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("no openssl on this machine, which makes a certificate")
    folder = tmp_path_factory.mktemp("tls")
    key, made = folder / "key.pem", folder / "made.pem"
    name = ("-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost")
    subprocess.run(
        [openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", made, *name],
        check=True,
        capture_output=True,
    )
    (folder / "site.pem").write_text(made.read_text() + key.read_text())
    return folder / "site.pem"


@contextmanager
def proxy(program: str, folder: Path, site: Path | None = None, **other: str) -> Iterator[tuple[str, Path]]:
    """Run the proxy before a server of this process; its address, and its log. `other` values are put into its text."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Echo)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    port, alive = free_port(), free_port()
    text = CONFIG.read_text()
    for here, there in {
        "bind :8080": f"bind 127.0.0.1:{port}",
        "127.0.0.1:8404": f"127.0.0.1:{alive}",
        "server-template api 32 api:8000": f"server api1 127.0.0.1:{server.server_port}",
        "/run/tls/site.pem": str(site),
        **other,
    }.items():
        assert here in text
        text = text.replace(here, there)
    config, log = folder / "haproxy.cfg", folder / "log"
    config.write_text(text)
    tls = {"BESTGUESS_TLS": "1"} if site else {}
    url = f"https://localhost:{port}" if site else f"http://127.0.0.1:{port}"
    with log.open("wb") as output:
        process = subprocess.Popen([program, "-f", config], stdout=output, stderr=output, env=os.environ | tls)
        try:
            wait_until(lambda: process.poll() is None and _ready(alive), 20)
            yield url, log
        finally:
            process.terminate()
            process.wait(20)
            server.shutdown()
            server.server_close()


def _ready(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/alive").is_success
    except httpx.TransportError:
        return False


@pytest.mark.parametrize("tls", [False, True])
def test_haproxy_takes_it(program: str, certificate: Path, tmp_path: Path, tls: bool) -> None:
    """HAProxy finds neither an error nor anything to warn of, with a certificate or without."""
    config = tmp_path / "haproxy.cfg"
    config.write_text(CONFIG.read_text().replace("/run/tls/site.pem", str(certificate)))
    environment = os.environ | ({"BESTGUESS_TLS": "1", "BESTGUESS_PROXY_SECONDS": "330"} if tls else {})
    done = subprocess.run([program, "-c", "-f", config], capture_output=True, text=True, check=False, env=environment)
    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    assert "[WARNING]" not in said
    assert "[ALERT]" not in said


def test_who_asks_is_said_by_the_proxy(program: str, tmp_path: Path) -> None:
    """What a client claims of itself does not reach the service."""
    claims = {"X-Forwarded-For": "1.2.3.4", "X-Forwarded-Proto": "https", "Forwarded": "for=1.2.3.4"}
    with proxy(program, tmp_path) as (url, _):
        wait_until(lambda: httpx.get(f"{url}/").is_success, 20)
        seen = httpx.get(f"{url}/", headers=claims).json()
    assert (seen["x-forwarded-for"], seen["x-forwarded-proto"]) == ("127.0.0.1", "http")
    assert "forwarded" not in seen


def test_an_address_is_logged_without_its_query(program: str, tmp_path: Path) -> None:
    """A key that somebody puts into an address is not in the proxy's log, though the request is."""
    with proxy(program, tmp_path) as (url, log):
        wait_until(lambda: httpx.get(f"{url}/").is_success, 20)
        assert httpx.get(f"{url}/models?key=bg_secret").is_success
        wait_until(lambda: "GET /models HTTP" in log.read_text(), 20)
        assert "bg_secret" not in log.read_text()


def test_no_request_is_missing_in_the_log(program: str, tmp_path: Path) -> None:
    """Each of many requests at once is in the proxy's log, of which HAProxy drops lines where two threads write."""
    clients, each = 8, 250
    with proxy(program, tmp_path) as (url, log):
        (running,) = (child for child in psutil.Process().children() if child.name() == "haproxy")
        assert running.num_threads() == 1
        place = (httpx.URL(url).host, httpx.URL(url).port or 0)

        def ask(_: int) -> None:
            with socket.create_connection(place, 60) as connection:
                for _ in range(each):
                    connection.sendall(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n")  # which the proxy refuses
                    assert read_answer(connection)[0] == 404

        with ThreadPoolExecutor(clients) as pool:
            list(pool.map(ask, range(clients)))
        wait_until(lambda: log.read_text().count("GET /metrics HTTP") >= clients * each, 20)


def test_tls(program: str, certificate: Path, tmp_path: Path) -> None:
    """With a certificate the proxy speaks TLS and nothing else, and tells the service so."""
    trusted = ssl.create_default_context(cafile=str(certificate))
    with proxy(program, tmp_path, certificate) as (url, _), httpx.Client(verify=trusted) as client:
        wait_until(lambda: client.get(url).is_success, 20)
        answer = client.get(url)
        assert answer.json()["x-forwarded-proto"] == "https"
        assert "max-age" in answer.headers["Strict-Transport-Security"]
        with pytest.raises(httpx.TransportError):
            httpx.get(url.replace("https", "http"))


def test_idle_connections_from_one_address_keep_nobody_else_out(program: str, tmp_path: Path) -> None:
    """Once most connections are taken, an address that holds many of them gets no more, and others still do."""
    few = {"gt 512": "gt 5", "gt 3072": "gt 10"}
    elsewhere = httpx.HTTPTransport(local_address="127.0.0.2")
    with proxy(program, tmp_path, **few) as (url, _), ExitStack() as stack:
        other = stack.enter_context(httpx.Client(base_url=url, transport=elsewhere))
        wait_until(lambda: other.get("/").is_success, 20)
        place = (httpx.URL(url).host, httpx.URL(url).port or 0)
        for _ in range(20):
            with suppress(ConnectionError):  # as soon as there are too many
                stack.enter_context(socket.create_connection(place, 10))
        wait_until(lambda: refused(url), 8)  # a new connection each time
        with httpx.Client(base_url=url, transport=httpx.HTTPTransport(local_address="127.0.0.2")) as newcomer:
            assert newcomer.get("/").is_success


def refused(url: str) -> bool:
    """Say whether a connection is refused."""
    try:
        httpx.get(url)
    except httpx.TransportError:
        return True
    return False
