"""What comes in parts: pages of jobs, live events, files; and what becomes of it when connections break."""

from pathlib import Path

import httpx
import pytest

from bestguess.client import DownloadDamaged, InvalidArgument, NotFound, StillRunning
from support.scripted_server import DONE, JOB, MODEL, NEVER, Reply, Says, both, ok, problem


def test_all_pages_of_jobs() -> None:
    """Jobs come page after page, each after the last of the one before."""
    first, second = ({"data": [JOB | {"id": name}], "has_more": more} for name, more in (("a", True), ("b", False)))
    for script, call in both(ok(first), ok(second)):
        assert [job.id for job in call("jobs", status="running")] == ["a", "b"]
        assert [dict(request.url.params) for request in script.requests] == [
            {"status": "running", "limit": "100"},
            {"status": "running", "limit": "100", "after": "a"},
        ]


def test_waiting() -> None:
    """Waiting ends with the job, or with the time."""
    for _, call in both(ok(JOB), ok(DONE)):
        assert call("wait", "job_1").status == "succeeded"
    for _, call in both(ok(JOB)):
        with pytest.raises(StillRunning, match="job_1"):
            call("wait", "job_1", timeout=0.05)


def event(number: int, kind: str = "progress") -> bytes:
    """One event as the service writes it."""
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
    """Who asks for what follows the last event of a job is told that there is nothing."""
    for script, call in both(Says(content=b""), ok(), Says(content=b""), ok()):
        assert call("events", "job_1", after="4-0") == []
        assert len(script.requests) == 4


def test_a_job_that_nobody_knows_has_no_events() -> None:
    """An unknown job is an error, and not a stream without end."""
    for _, call in both(problem(404)):
        with pytest.raises(NotFound):
            call("events", "job_1")


def test_download(tmp_path: Path) -> None:
    """A download that breaks is begun anew, and put in its place whole, or in a folder by its own name."""
    for number, (_, call) in enumerate(both(ok(MODEL), Says(breaks=(b"te",)), Says(content=b"test"))):
        folder = tmp_path / str(number)
        folder.mkdir()
        assert call("download", "latest", folder) == folder / "job_1.keras"
        assert [(path.name, path.read_bytes()) for path in folder.iterdir()] == [("job_1.keras", b"test")]


def test_a_damaged_download(tmp_path: Path) -> None:
    """What has another hash than the model's leaves what was there as it was, and nothing beside it."""
    path = tmp_path / "mine.keras"
    path.write_bytes(b"before")
    for _, call in both(ok(MODEL), Says(content=b"tset")):
        with pytest.raises(DownloadDamaged):
            call("download", "latest", path)
        assert [(each.name, each.read_bytes()) for each in tmp_path.iterdir()] == [("mine.keras", b"before")]


def test_what_has_no_file(tmp_path: Path) -> None:
    """A pretrained network, and a folder that is not there, are refused before anything is fetched."""
    for script, call in both(ok(MODEL | {"trained": None}), ok(MODEL)):
        for path in (tmp_path, tmp_path / "nowhere" / "x.keras"):
            with pytest.raises(InvalidArgument):
                call("download", "vgg16", path)
        assert len(script.requests) == 2
