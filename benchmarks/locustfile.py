"""The load: locust sends photographs as forms over connections that are kept. A process of its own.

Importing locust replaces the standard library's sockets by gevent's, so that nothing else may import this module.
Locust's own histogram rounds to two digits; each time is written down here instead.
"""

from __future__ import annotations

import json
import logging
import sys
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import cycle
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import gevent  # type: ignore[import-untyped]
import httpx
from locust import FastHttpUser, constant, task
from locust.env import Environment

from benchmarks.answers import ANSWERED, REFUSED, Heard, summed
from benchmarks.asked import Load
from benchmarks.pace import Pace
from vision.hardware import cores

if TYPE_CHECKING:
    from collections.abc import Iterator

POLL = 0.05  # seconds
WARM_UP = 1.0  # seconds at least
POLITE = 1.0  # seconds that a connection waits after a refusal that does not say how long


@dataclass
class Ear:
    """What was begun and heard so far."""

    begun: int = 0
    heard: list[Heard] = field(default_factory=list)

    @property
    def answered(self) -> int:
        """How many photographs were classified."""
        return sum(one.kind == ANSWERED for one in self.heard)

    def hear(self, *, response_time: float, response: Any, exception: Exception | None, **_: object) -> None:  # noqa: ANN401 - locust's
        """Write one answer down; locust's times are milliseconds."""
        kind = str(response.status_code) if response.status_code else type(exception).__name__
        self.heard.append(Heard(kind, response_time))


class Sender(FastHttpUser):
    """One connection: sends a photograph, waits for the answer, and sends the next."""

    wait_time = constant(0)
    connection_timeout = 10.0
    concurrency = 1
    path: ClassVar[str]
    forms: ClassVar[Iterator[tuple[bytes, dict[str, str]]]]
    ear: ClassVar[Ear]
    pace: ClassVar[Pace | None]

    @task
    def send(self) -> None:
        """Send one when its turn comes; refused, wait as long as the service asks for, where there are no turns."""
        if self.pace:
            gevent.sleep(self.pace.wait())
        self.ear.begun += 1
        body, headers = next(self.forms)
        response = self.client.post(self.path, data=body, headers=headers)  # type: ignore[arg-type] # bytes, as it says
        if not self.pace and str(response.status_code) == REFUSED:
            wait = response.headers.get("Retry-After") if response.headers else None
            gevent.sleep(float(str(wait or POLITE)))


def main() -> None:
    """Read what is asked for, put the load on, print what was heard."""
    logging.basicConfig(level=logging.ERROR)  # it warns of many users at once, and of its cost, which we tell
    asked = Load(**json.loads(sys.argv[1]))
    Sender.host, Sender.path, Sender.network_timeout = asked.host, asked.path, asked.timeout
    Sender.forms, Sender.ear = cycle(_forms(Path(asked.photos))), Ear()
    Sender.pace = Pace(asked.rate) if asked.rate else None
    print(json.dumps(_put(asked, Sender.ear)))  # noqa: T201 - what it is for


def _put(asked: Load, ear: Ear) -> dict[str, Any]:
    environment = Environment(user_classes=[Sender])
    environment.events.request.add_listener(ear.hear)  # type: ignore[no-untyped-call]
    runner = environment.create_local_runner()
    began = time.perf_counter()
    runner.start(asked.connections, spawn_rate=asked.connections)
    gevent.sleep(WARM_UP)
    while ear.answered < asked.warm_up_answers and time.perf_counter() - began < asked.warm_up_seconds:
        gevent.sleep(POLL)
    row = {"connections": asked.connections, "at": _now(), "warm_up_seconds": time.perf_counter() - began}
    row |= _window(asked.seconds, asked.warm_up_seconds, ear)
    runner.quit()
    return row


def _window(seconds: float, most: float, ear: Ear) -> dict[str, Any]:
    """Listen for so many seconds; what ends within them counts, whenever it began.

    Where not one photograph was answered by then, listen until one is, for at most `most` seconds.
    """
    ear.begun, ear.heard = 0, []
    began, cost = time.perf_counter(), time.process_time()
    gevent.sleep(seconds)
    while not ear.answered and time.perf_counter() - began < most:
        gevent.sleep(POLL)
    took, cost = time.perf_counter() - began, time.process_time() - cost
    load = {"cpu_ms_per_request": 1000 * cost / max(len(ear.heard), 1), "share_of_machine": cost / took / cores()}
    return {**summed(ear.heard, ear.begun, took), "load": load}


def _forms(folder: Path) -> list[tuple[bytes, dict[str, str]]]:
    """Make every form's body and headers once."""
    forms = []
    for path in sorted(folder.iterdir()):
        form = httpx.Request("POST", "http://form", files={"file": (path.name, path.read_bytes(), "image/jpeg")})
        kind = form.headers["Content-Type"]
        forms.append((form.read(), {"Content-Type": kind, "Accept": "application/json", "Accept-Encoding": "identity"}))
    return forms


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")


if __name__ == "__main__":
    main()
