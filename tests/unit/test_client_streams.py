"""Pages of jobs, live events and downloads of both clients, over connections that break."""

from pathlib import Path

import httpx
import pytest

from bestguess.client import DownloadDamaged, InvalidArgument, NotFound, StillRunning
from support.scripted_server import DONE, JOB, MODEL, NEVER, Reply, Says, both, ok, problem


def test_all_pages_of_jobs() -> None:
    """Jobs are listed page by page, each after the last job of the page before."""
    first, second = ({"data": [JOB | {"id": name}], "has_more": more} for name, more in (("a", True), ("b", False)))
    for script, call in both(ok(first), ok(second)):
        assert [job.id for job in call("jobs", status="running")] == ["a", "b"]
        assert [dict(request.url.params) for request in script.requests] == [
            {"status": "running", "limit": "100"},
            {"status": "running", "limit": "100", "after": "a"},
        ]


def test_waiting() -> None:
    """Waiting ends with the job or with the timeout."""
    for _, call in both(ok(JOB), ok(DONE)):
        assert call("wait", "job_1").status == "succeeded"
    for _, call in both(ok(JOB)):
        with pytest.raises(StillRunning, match="job_1"):
            call("wait", "job_1", timeout=0.05)


def event(number: int, kind: str = "progress") -> bytes:
    """Format an event as the service does."""
    data = f'{{"id":"{number}-0","type":"{kind}","at":"2026-11-23T04:17:28Z","data":{{}},"new":1}}'
    return f"id: {number}-0\nevent: {kind}\ndata: {data}\n\n".encode()


def test_events_over_broken_connections() -> None:
    """However connections break, end or are refused, each event comes once, in order, to the last."""
    replies: list[Reply] = [
        Says(
            breaks=(
                b"retry: 1000\n\n",
                event(1),
                event(2)[:20],
            )
        ),
        httpx.ConnectError("refused"),
        httpx.ConnectError("refused"),
        httpx.ConnectError("refused"),
        problem(503, headers={"Retry-After": "0"}),
        Says(content=event(2) + event(3)),  # ended in order: the service was stopped
        ok(JOB),
        Says(content=event(4, "succeeded")),
    ]
    for script, call in both(*replies):
        assert [found.id for found in call("events", "job_1")] == ["1-0", "2-0", "3-0", "4-0"]
        seen = [request.headers.get("Last-Event-ID") for request in script.requests]
        assert seen == [None, "1-0", "1-0", "1-0", "1-0", "1-0", None, "3-0"]


def test_a_break_after_the_last_event_is_no_error() -> None:
    """Once the last event is here, a connection that breaks changes nothing, however few retries are allowed."""
    for script, call in both(Says(breaks=(event(1, "failed"),)), retries=NEVER):
        assert [found.type for found in call("events", "job_1")] == ["failed"]
        assert len(script.requests) == 1


def test_events_after_the_last() -> None:
    """After the last event of a job there are no more events, and the iterator ends."""
    for script, call in both(Says(content=b""), ok(), Says(content=b""), ok()):
        assert call("events", "job_1", after="4-0") == []
        assert len(script.requests) == 4


def test_a_job_that_nobody_knows_has_no_events() -> None:
    """The events of an unknown job raise `NotFound`."""
    for _, call in both(problem(404)):
        with pytest.raises(NotFound):
            call("events", "job_1")


def test_download(tmp_path: Path) -> None:
    """A broken download starts again; the file appears only when complete, in a folder under its id."""
    for number, (_, call) in enumerate(both(ok(MODEL), Says(breaks=(b"te",)), Says(content=b"test"))):
        folder = tmp_path / str(number)
        folder.mkdir()
        assert call("download", "latest", folder) == folder / "job_1.keras"
        assert [(path.name, path.read_bytes()) for path in folder.iterdir()] == [("job_1.keras", b"test")]


def test_a_damaged_download(tmp_path: Path) -> None:
    """A download with a wrong SHA-256 leaves the existing file unchanged, and no temporary file."""
    path = tmp_path / "mine.keras"
    path.write_bytes(b"before")
    for _, call in both(ok(MODEL), Says(content=b"tset")):
        with pytest.raises(DownloadDamaged):
            call("download", "latest", path)
        assert [(each.name, each.read_bytes()) for each in tmp_path.iterdir()] == [("mine.keras", b"before")]


def test_what_has_no_file(tmp_path: Path) -> None:
    """A pretrained network or a missing folder is refused before the download starts."""
    for script, call in both(ok(MODEL | {"trained": None}), ok(MODEL)):
        for path in (tmp_path, tmp_path / "nowhere" / "x.keras"):
            with pytest.raises(InvalidArgument):
                call("download", "vgg16", path)
        assert len(script.requests) == 2
