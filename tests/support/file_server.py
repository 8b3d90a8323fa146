"""HTTP server with one file, which can be scripted to misbehave request by request."""

from __future__ import annotations

import re
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self


@dataclass(frozen=True)
class Answer:
    """How one request is answered; as it comes, the way a good server does.

    `body` replaces the file; `ranges` off ignores Range headers; after `cut` bytes of the body the connection breaks,
    or waits for `hold` and then goes on; `sized` off leaves Content-Length out.
    """

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes | None = None
    ranges: bool = True
    cut: int | None = None
    hold: threading.Event | None = None
    sized: bool = True


class FileServer(ThreadingHTTPServer):
    """Serves `content` under every path; takes from `answers` first. `ranges` keeps each request's Range header."""

    daemon_threads = True

    def __init__(self, content: bytes, *answers: Answer) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.content = content
        self.answers = list(answers)
        self.ranges: list[str | None] = []
        self.requests: list[dict[str, str]] = []
        self.url = f"http://127.0.0.1:{self.server_port}"

    def __enter__(self) -> Self:
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()
        self.server_close()

    def handle_error(self, *_: object) -> None:
        """Say nothing: clients that hang up are what these tests are about."""


class _Handler(BaseHTTPRequestHandler):
    server: FileServer

    def do_HEAD(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(self.server.content)))
        self.end_headers()

    def do_GET(self) -> None:
        asked = self.headers.get("Range")
        self.server.ranges.append(asked)
        self.server.requests.append(dict(self.headers))
        answer = self.server.answers.pop(0) if self.server.answers else Answer()
        body, status, headers = self.server.content if answer.body is None else answer.body, answer.status, {}
        if asked and answer.ranges and status == 200:
            body, status, headers = self._ranged(body, asked)
        self.send_response(status)
        sized = {"Content-Length": str(len(body))} if answer.sized else {}
        for name, value in (sized | headers | answer.headers).items():
            self.send_header(name, value)
        self.end_headers()
        self._send(body, answer)

    def _ranged(self, body: bytes, asked: str) -> tuple[bytes, int, dict[str, str]]:
        match = re.fullmatch(r"bytes=(\d+)-", asked)
        start = int(match[1]) if match else 0
        if start >= len(body):
            return b"", 416, {"Content-Range": f"bytes */{len(body)}"}
        return body[start:], 206, {"Content-Range": f"bytes {start}-{len(body) - 1}/{len(body)}"}

    def _send(self, body: bytes, answer: Answer) -> None:
        self.wfile.write(body[: answer.cut])
        if answer.cut is None:
            return
        if answer.hold is not None:
            answer.hold.wait(20)
            self.wfile.write(body[answer.cut :])
        self.close_connection = True

    def log_message(self, *_: object) -> None:
        """Keep the tests' output clean."""
