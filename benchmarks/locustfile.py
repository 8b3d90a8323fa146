"""Load generator: locust sends photos as multipart forms over keep-alive connections.

It runs in a process of its own, because importing locust replaces the sockets of the standard library by gevent's: no
other module may import this one. Locust's histogram rounds to two digits, so each time is recorded here.
"""

from __future__ import annotations

import logging
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

from benchmarks.load import ANSWERED, REFUSED, Answer, Load, Pacer, summarize
from benchmarks.processes import POLL_SECONDS, print_result
from vision.machine import cores

if TYPE_CHECKING:
    from collections.abc import Iterator

MIN_WARM_UP_SECONDS = 1.0
RETRY_SECONDS = 1.0  # after a refusal without Retry-After


@dataclass
class Recorder:
    """What was sent and answered so far."""

    sent: int = 0
    answers: list[Answer] = field(default_factory=list)

    @property
    def answered(self) -> int:
        """How many photos were classified."""
        return sum(answer.status == ANSWERED for answer in self.answers)

    def record(self, *, response_time: float, response: Any, exception: Exception | None, **_: object) -> None:  # noqa: ANN401 - locust's
        """Record one answer; locust's times are milliseconds."""
        status = str(response.status_code) if response.status_code else type(exception).__name__
        self.answers.append(Answer(status, response_time))


class Sender(FastHttpUser):
    """One connection: sends a photo, waits for the answer, and sends the next."""

    wait_time = constant(0)
    connection_timeout = 10.0
    concurrency = 1
    path: ClassVar[str]
    forms: ClassVar[Iterator[tuple[bytes, dict[str, str]]]]
    recorder: ClassVar[Recorder]
    pacer: ClassVar[Pacer | None]

    @task
    def send(self) -> None:
        """Send one photo; in a closed loop, wait after a refusal for as long as the service asks."""
        if self.pacer:
            gevent.sleep(self.pacer.take_turn())
        self.recorder.sent += 1
        body, headers = next(self.forms)
        response = self.client.post(self.path, data=body, headers=headers)  # type: ignore[arg-type] # bytes, as it says
        if not self.pacer and str(response.status_code) == REFUSED:
            wait = response.headers.get("Retry-After") if response.headers else None
            gevent.sleep(float(str(wait or RETRY_SECONDS)))


def measure(parameters: dict[str, Any]) -> dict[str, Any]:
    """Put one load on a server."""
    logging.basicConfig(level=logging.ERROR)  # it warns of many users at once, and of its cost, which is reported
    load = Load(**parameters)
    Sender.host, Sender.path, Sender.network_timeout = load.host, load.path, load.timeout
    Sender.forms, Sender.recorder = cycle(_forms(Path(load.photos))), Recorder()
    Sender.pacer = Pacer(load.rate) if load.rate else None
    return _run(load, Sender.recorder)


def _run(load: Load, recorder: Recorder) -> dict[str, Any]:
    environment = Environment(user_classes=[Sender])
    environment.events.request.add_listener(recorder.record)  # type: ignore[no-untyped-call]
    runner = environment.create_local_runner()
    started = time.perf_counter()
    runner.start(load.connections, spawn_rate=load.connections)
    gevent.sleep(MIN_WARM_UP_SECONDS)
    while recorder.answered < load.warm_up_answers and time.perf_counter() - started < load.warm_up_seconds:
        gevent.sleep(POLL_SECONDS)
    row = {
        "connections": load.connections,
        "at": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "warm_up_seconds": time.perf_counter() - started,
    }
    row |= _window(load.seconds, load.warm_up_seconds, recorder)
    runner.quit()
    return row


def _window(seconds: float, max_seconds: float, recorder: Recorder) -> dict[str, Any]:
    """Record for `seconds`; every request that ends in this time counts, whenever it began.

    Where no photo was classified by then, go on until one is, for at most `max_seconds`.
    """
    recorder.sent, recorder.answers = 0, []
    started, cpu_started = time.perf_counter(), time.process_time()
    gevent.sleep(seconds)
    while not recorder.answered and time.perf_counter() - started < max_seconds:
        gevent.sleep(POLL_SECONDS)
    elapsed, cpu = time.perf_counter() - started, time.process_time() - cpu_started
    cost = {
        "cpu_ms_per_request": 1000 * cpu / max(len(recorder.answers), 1),
        "share_of_machine": cpu / elapsed / cores(),
    }
    return {**summarize(recorder.answers, recorder.sent, elapsed), "load": cost}


def _forms(folder: Path) -> list[tuple[bytes, dict[str, str]]]:
    """Build the body and headers of every form once."""
    forms = []
    for path in sorted(folder.iterdir()):
        form = httpx.Request("POST", "http://form", files={"file": (path.name, path.read_bytes(), "image/jpeg")})
        kind = form.headers["Content-Type"]
        forms.append((form.read(), {"Content-Type": kind, "Accept": "application/json", "Accept-Encoding": "identity"}))
    return forms


if __name__ == "__main__":
    print_result(measure)
