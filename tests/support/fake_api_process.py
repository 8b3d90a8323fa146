"""Fake of `python -m app.serve` that prints its environment; its argument chooses its behaviour.

`polite` answers /healthz; `mute` does not; `stubborn` ignores SIGTERM, and so does a process that it has started.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer


class Handler(BaseHTTPRequestHandler):
    """200 for /healthz, 404 for the rest."""

    def do_GET(self) -> None:
        """Answer without a body."""
        self.send_response(200 if self.path == "/healthz" else 404)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def main(behaviour: str) -> None:
    """Serve until a signal."""
    address = (os.environ["BESTGUESS_HOST"], int(os.environ["BESTGUESS_PORT"]))
    server = HTTPServer(address, Handler)
    if behaviour == "stubborn":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        subprocess.Popen(["/bin/sh", "-c", "trap '' TERM; while :; do sleep 60; done"])
    print(json.dumps({"pid": os.getpid(), "redis_url": os.environ["BESTGUESS_REDIS_URL"]}), flush=True)  # noqa: T201
    if behaviour == "mute":
        signal.pause()
    server.serve_forever(poll_interval=0.05)


main(sys.argv[1])
