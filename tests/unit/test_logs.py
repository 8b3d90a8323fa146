import asyncio
import io
import json
import logging
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from app.middleware.access_log import AccessLogMiddleware
from app.settings import Settings
from bestguess.supervisor.supervisor import set_up_log
from jobs.telemetry import logs
from jobs.telemetry.context import carried, telling
from jobs.telemetry.logs import Form
from jobs.telemetry.masking import masked
from support.classify_requests import FILE
from support.live_server import live
from support.waiting import wait_until

log = logging.getLogger("test")


class Written:
    """What a log has written."""

    def __init__(self) -> None:
        self.stream = io.StringIO()

    @property
    def text(self) -> str:
        """All of it."""
        return self.stream.getvalue()

    def lines(self, **wanted: object) -> list[dict[str, object]]:
        """The lines that say so; each of all lines is one of JSON."""
        said: list[dict[str, object]] = [json.loads(line) for line in self.text.splitlines()]
        return [line for line in said if wanted.items() <= line.items()]


@pytest.fixture
def written() -> Iterator[Written]:
    """Log into memory, and as before afterwards."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    for handler in handlers:
        root.removeHandler(handler)  # setting up would close pytest's
    yield Written()
    for handler in list(root.handlers):
        root.removeHandler(handler)
    for handler in handlers:
        root.addHandler(handler)
    root.setLevel(level)


def test_a_record_is_a_line_of_json(written: Written) -> None:
    """Whatever is logged is one line: its facts, its traceback and its line breaks are inside."""
    logs.set_up("info", "json", written.stream)
    log.info("two\nlines, %d", 1, extra={"job_id": "job_a"})
    log.error("it broke", exc_info=ValueError("é"))
    log.debug("not wanted")
    first, second = written.lines()
    assert (first["message"], first["job_id"], first["level"]) == ("two\nlines, 1", "job_a", "INFO")
    assert str(first["time"]).endswith("+00:00")
    assert "ValueError: é" in str(second["exception"])


def test_a_line_for_a_person(written: Written) -> None:
    """On a terminal the facts come after the message, but for those that it says already."""
    logs.set_up("info", "console", written.stream)
    log.warning("GET /jobs 404", extra={"job_id": "job_a", "status": 404, "key_name": None})
    assert "WARNING test: GET /jobs 404  job_id=job_a\n" in written.text


class Terminal(io.StringIO):
    """A stream that a person reads."""

    def isatty(self) -> bool:
        """Say so."""
        return True


@pytest.mark.parametrize(
    ("form", "stream", "is_json"),
    [
        ("auto", io.StringIO(), True),
        ("auto", Terminal(), False),
        ("json", Terminal(), True),
        ("console", io.StringIO(), False),
    ],
)
def test_the_form(form: Form, stream: io.StringIO, is_json: bool) -> None:
    """Left to itself, a log is JSON unless a person reads it."""
    assert logs.is_json(form, stream) is is_json


def test_facts_of_the_work_in_hand(written: Written) -> None:
    """What is known of a work stands in each of its lines, also in those of a thread that belongs to it."""
    logs.set_up("info", "json", written.stream)
    with telling(request_id="abc", key_name=None), telling(job_id="job_a"):
        log.info("here")
        for call in (carried(lambda: log.info("there")), lambda: log.info("elsewhere")):
            thread = threading.Thread(target=call)
            thread.start()
            thread.join()
    log.info("after")
    assert [line["message"] for line in written.lines(request_id="abc", job_id="job_a")] == ["here", "there"]
    assert [line["message"] for line in written.lines() if "request_id" not in line] == ["elsewhere", "after"]


@pytest.mark.parametrize(
    ("text", "hidden"),
    [
        ("redis://user:s3cret@host:6379/0 is away", "redis://...@host:6379/0 is away"),
        ("rediss://:p@ss/word@host", "rediss://...@host"),
        ("redis://host?password=s3cret&db=1", "redis://host?password=...&db=1"),
        ("s3://key:s3cret@bucket, and https://example.com/x", "s3://...@bucket, and https://example.com/x"),
        ("Authorization: Bearer abcdefghijklmnopqrstuvwxyz", "Authorization: Bearer ..."),
        ("X-API-Key: abcdefghijklmnopqrstuvwxyz", "X-API-Key: ..."),
        (f"/jobs?key=bg_0123abcd_{'A' * 43}", "/jobs?key=bg_0123abcd_..."),
        ("someone@example.com has a Basic network", "someone@example.com has a Basic network"),
        ("none of redis://[user:password@]host:port/0, or", "none of redis://[user:password@]host:port/0, or"),
        ("and redis://:password@host in the URL", "and redis://:password@host in the URL"),
        ("redis://[user:password@]host:s3cret@db", "redis://...@db"),
        ("redis://:password@hostess, redis://u:password@host", "redis://...@hostess, redis://...@host"),
    ],
)
def test_secrets_are_hidden(text: str, hidden: str) -> None:
    """Passwords in URLs and keys in headers are not written, whoever logs them; the rest stays."""
    assert masked(text) == hidden


@pytest.mark.parametrize("form", ["json", "console"])
def test_the_supervisor_hides_secrets(form: Form, capsys: pytest.CaptureFixture[str]) -> None:
    """The supervisor's lines have no secrets, as JSON and as plain text for people."""
    supervisors = logging.getLogger("bestguess.up")
    before = (list(supervisors.handlers), supervisors.propagate, supervisors.level)
    set_up_log(form)
    try:
        supervisors.error("redis://user:s3cret@host is away", exc_info=ValueError("redis://:s3cret@host"))
    finally:
        supervisors.handlers[:], supervisors.propagate = before[:2]
        supervisors.setLevel(before[2])
    told = capsys.readouterr().err
    assert "redis://...@host is away" in told
    assert "s3cret" not in told


def test_secrets_in_tracebacks(written: Written) -> None:
    """That holds for tracebacks too, and what was JSON is still JSON."""
    logs.set_up("info", "json", written.stream)
    log.error("at 'redis://u:s3cret@host'", exc_info=ValueError('cannot reach "redis://:s3cret@host"'))
    assert "s3cret" not in written.text
    assert written.lines(level="ERROR")


def test_a_line_for_each_request(written: Written, tmp_path: Path) -> None:
    """A request is one line: its id, route, status, times and bytes; nothing of what was sent, and no second line."""
    logs.set_up("info", "json", written.stream)
    with live(Settings(data_dir=tmp_path, decode_processes=1)) as service:
        sent = {"headers": {"X-Request-ID": "abc", "Authorization": "Bearer s3cret"}}
        service.client.post("/classify?top_k=7", files={"file": ("holiday.jpg", FILE["file"][1])}, **sent)
        service.client.get("/models/holiday")
        service.client.get("/healthz")
        wait_until(lambda: written.lines(route="/models/{model_id}"), 10)
    (line,) = written.lines(request_id="abc")
    assert {
        "logger": "bestguess.request",
        "method": "POST",
        "route": "/classify",
        "status": 200,
    }.items() <= line.items()
    assert {"model": "vgg16", "images": 1}.items() <= line.items()
    for name in ("ms", "decode_ms", "queue_ms", "inference_ms"):
        assert isinstance(line[name], float)
    assert float(str(line["ms"])) >= float(str(line["decode_ms"]))
    assert int(str(line["bytes_in"])) > len(FILE["file"][1])
    assert int(str(line["bytes_out"])) > 100
    (refused,) = written.lines(route="/models/{model_id}")
    assert (refused["status"], refused["problem"]) == (404, "not-found")
    for secret in ("holiday", "s3cret", "top_k", "healthz"):
        assert secret not in written.text


def test_an_error_of_ours(written: Written, tmp_path: Path) -> None:
    """A 500 is an error in the log, under the same id as its traceback and the answer."""
    logs.set_up("info", "json", written.stream)
    with live(Settings(data_dir=tmp_path, decode_processes=1)) as service:
        service.runner.error = RuntimeError("unforeseen")
        answer = service.client.post("/classify", files=FILE)
        assert answer.status_code == 500
        lines = wait_until(lambda: written.lines(logger="bestguess.request"), 10)
    assert (lines[0]["level"], lines[0]["status"], lines[0]["problem"]) == ("ERROR", 500, "internal-error")
    assert lines[0]["request_id"] == answer.json()["request_id"]
    assert "unforeseen" in written.text


def test_a_client_that_goes_away(written: Written, tmp_path: Path) -> None:
    """A request whose client went away before its answer is told with the status 499."""
    logs.set_up("info", "json", written.stream)
    with live(Settings(data_dir=tmp_path, decode_processes=1)) as service:
        service.runner.go.clear()
        with pytest.raises(httpx.ReadTimeout):
            service.client.post("/classify", files=FILE, timeout=0.5)
        (line,) = wait_until(lambda: written.lines(logger="bestguess.request"), 20)
        assert line["status"] == 499


def test_the_name_of_a_key(written: Written) -> None:
    """Whoever checks a key puts its name into the request's state, and it stands in the line, also of a refusal."""
    logs.set_up("info", "json", written.stream)

    async def checked(scope: Scope, _: Receive, send: Send) -> None:
        scope["state"]["key_name"] = "the camera at the door"
        await PlainTextResponse("no", 403)(scope, _, send)

    async def ask() -> None:
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(AccessLogMiddleware(checked)), base_url="http://test"
        ) as client:
            await client.get("/models")

    asyncio.run(ask())
    (line,) = written.lines(key_name="the camera at the door")
    assert (line["status"], line["route"]) == (403, "unmatched")
