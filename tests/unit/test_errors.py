import asyncio
import json
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.exceptions import HTTPException
from starlette.requests import Request

from app.errors import STATUSES, DomainProblem, FrameworkProblem, Problem, RateExceeded, TooLarge, problem_of, render
from app.inference.batcher import QueueFull
from jobs.artifacts import ArtifactDamaged
from jobs.errors import JobNotFound, JobsError, StoreUnavailable, TooManyAliases
from vision.errors import DecodersUnavailable, NoInk, VisionError
from vision.networks.weights import WeightsError

ROOT = Path(__file__).parents[2]


def leaves(kind: type) -> Iterator[type]:
    """List the errors of a tree that are raised."""
    for below in kind.__subclasses__():
        yield from leaves(below)
    if not kind.__subclasses__():
        yield kind


ERRORS = [
    kind
    for base in (Problem, JobsError, VisionError)
    for kind in leaves(base)
    if kind not in {DomainProblem, FrameworkProblem}
]


def test_a_slug_has_one_title_and_one_status() -> None:
    """Wherever an error is defined, its slug always comes with the same title and the same status."""
    meanings: dict[str, set[tuple[str, int]]] = {}
    for kind in ERRORS:
        meanings.setdefault(kind.slug, set()).add((kind.title, STATUSES[kind.category]))  # type: ignore[attr-defined]
    assert len(ERRORS) > 40
    assert {slug: found for slug, found in meanings.items() if len(found) > 1} == {}


@pytest.mark.parametrize(
    ("error", "status", "slug", "detail", "retry_after"),
    [
        (NoInk("Draw a digit."), 400, "no-ink", "Draw a digit.", None),
        (JobNotFound("job_1"), 404, "not-found", "There is no job job_1. It never was", None),
        (TooManyAliases("x", 7), 409, "too-many-aliases", "There are 7 aliases", None),
        (QueueFull(3), 429, "overloaded", "As many images wait", 3),
        (StoreUnavailable("redis:6379 refuses {}"), 503, "not-ready", "Redis, which keeps the jobs", 5),
        (DecodersUnavailable("it starved"), 503, "not-ready", "No decode process", 2),
        (ArtifactDamaged("/srv/models/a.keras"), 503, "model-unusable", "This network's files are damaged", 30),
        (WeightsError("/srv/vgg.h5 is short"), 503, "model-unusable", "This network's files are damaged", 30),
        (HTTPException(404), 404, "http-404", "There is nothing at this address", None),
        (HTTPException(418), 418, "http-418", "I'm a Teapot", None),
        (RateExceeded(3, 60, 9, {"RateLimit": "x"}), 429, "rate-exceeded", "At most 3 calls in 60 s", 9),
        (KeyError("secret"), 500, "internal-error", "This is our fault", None),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)
def test_what_an_error_becomes(error: Exception, status: int, slug: str, detail: str, retry_after: int | None) -> None:
    """An error becomes a problem with its status, slug and detail, and says when to come back."""
    problem = problem_of(error, "abc")
    assert (problem.status, problem.slug, problem.retry_after) == (status, slug, retry_after)
    assert problem.detail.startswith(detail)
    assert problem.headers.get("Retry-After") == (str(retry_after) if retry_after else None)
    for secret in ("6379", "/srv", "starved", "secret"):
        assert secret not in json.dumps(problem.body())


def test_the_operators_table_has_the_decoders() -> None:
    """docs/operations.md tells operators the status, slug and Retry-After of an image that no decode process took."""
    problem = problem_of(DecodersUnavailable("it starved"), "abc")
    what = f"{problem.status} `{problem.slug}`, *{problem.detail.partition('.')[0]}*, with `Retry-After: 2`"
    assert problem.headers["Retry-After"] == "2"
    assert f"\n| {what} |" in (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("error", "level"),
    [
        (StoreUnavailable("it refuses"), logging.WARNING),
        (ArtifactDamaged("it is short"), logging.ERROR),
        (KeyError("unforeseen"), logging.ERROR),
        (JobNotFound("job_1"), None),
    ],
)
def test_what_is_logged(error: Exception, level: int | None, caplog: pytest.LogCaptureFixture) -> None:
    """What an operator has to know of is logged with the request's id, once; what a caller did wrong is not."""
    problem_of(error, "abc")
    assert [record.levelno for record in caplog.records] == ([level] if level else [])
    assert all("abc" in record.getMessage() for record in caplog.records)


def test_what_was_raised_while_a_body_was_read() -> None:
    """FastAPI answers 400 for whatever is raised while it reads a body; what was raised is answered instead."""
    hidden = HTTPException(400, "There was an error parsing the body")
    hidden.__cause__ = TooLarge("The body is too long.")
    assert problem_of(hidden, None) is hidden.__cause__


def test_the_slug_is_left_for_the_access_log() -> None:
    """The problem's slug stands in the request's state, from where the access log and the metrics have it."""
    scope = {"type": "http", "path": "/jobs/job_1", "headers": [], "query_string": b"", "request_id": "abc"}
    answer = asyncio.run(render(Request(scope), JobNotFound("job_1")))
    assert scope["state"] == {"problem": "not-found"}
    body = json.loads(bytes(answer.body))
    assert (body["instance"], body["request_id"]) == ("/jobs/job_1", "abc")
    assert body["type"] == "urn:problem-type:bestguess:not-found"
