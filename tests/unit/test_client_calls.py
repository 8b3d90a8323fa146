"""Requests, responses and errors of both clients."""

import io
import json
import pickle

import httpx
import pytest
from PIL import Image

from bestguess import Client
from bestguess.client import (
    Busy,
    InvalidArgument,
    InvalidImage,
    InvalidParameters,
    NotAllowed,
    NotFound,
    NotReady,
    ProblemError,
    ServiceUnreachable,
    UnexpectedAnswer,
)
from support.scripted_server import NEVER, URL, Reply, Says, Script, both, ok, problem


def test_fields_of_the_future() -> None:
    """Fields that a newer service adds are ignored at any depth."""
    for _, call in both(ok()):
        assert call("job", "job_1").progress.step == 1


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        (problem(400, "not-an-image"), InvalidImage),
        (problem(400, "malformed-body"), ProblemError),
        (problem(401), NotAllowed),
        (problem(404), NotFound),
        (problem(413), InvalidImage),
        (problem(415), InvalidImage),
        (problem(422, errors=[{"loc": ["query", "top_k"], "msg": "no"}], request_id="r1"), InvalidParameters),
        (problem(429, headers={"Retry-After": "9"}), Busy),
        (problem(503), NotReady),
        (problem(418), ProblemError),
        (Says(502, content=b"<h1>Bad Gateway</h1>"), ProblemError),
        (Says(500, content=b'{"detail": 3}'), ProblemError),
        (Says(200, content=b"<h1>Welcome to nginx</h1>"), UnexpectedAnswer),
        (Says(json={"id": 3}), UnexpectedAnswer),
        (Says(307, headers={"Location": "https://user:secret@elsewhere.example/jobs?x=1"}), UnexpectedAnswer),
        (httpx.ConnectError("[Errno 111] Connection refused"), ServiceUnreachable),
        (httpx.ReadTimeout(""), ServiceUnreachable),
    ],
)
def test_errors(reply: Reply, error: type[Exception]) -> None:
    """Each failed response raises its error, whose text is one line without passwords, and which can be pickled."""
    for _, call in both(reply, retries=NEVER):
        with pytest.raises(error) as caught:
            call("job", "job_1")
        assert type(caught.value) is error
        text = str(caught.value)
        assert text
        assert "\n" not in text
        assert "secret" not in text
        assert str(pickle.loads(pickle.dumps(caught.value))) == text  # noqa: S301 - our own


def test_what_a_problem_says() -> None:
    """A problem has every field that the service sent, and Retry-After."""
    members = {"errors": [{"loc": ["body"]}], "request_id": "r1", "models": [1]}
    for _, call in both(problem(429, "overloaded", {"Retry-After": "9"}, **members), retries=NEVER):
        with pytest.raises(Busy) as caught:
            call("jobs")
        error = caught.value
        assert (error.status, error.title, error.detail, error.slug) == (429, "No", "It cannot be.", "overloaded")
        assert (error.errors, error.request_id, error.retry_after) == ([{"loc": ["body"]}], "r1", 9)


def test_busy_is_asked_again() -> None:
    """429, 503 and a broken connection are retried with an identical request."""
    troubles = (problem(429, headers={"Retry-After": "0"}), problem(503), httpx.ReadError("broke"))
    for script, call in both(*troubles, ok()):
        assert call("train", steps=5, seed=None).id == "job_1"
        assert len(script.requests) == 4
        assert len({request.headers["Idempotency-Key"] for request in script.requests}) == 1
        assert len({request.content for request in script.requests}) == 1
        assert json.loads(script.requests[0].content) == {"steps": 5}


def test_what_may_not_be_done_twice() -> None:
    """A deletion whose response is lost is not repeated; one that was never sent is."""
    for script, call in both(httpx.ReadError("broke"), Says(204)):
        with pytest.raises(ServiceUnreachable):
            call("delete", "job_1")
        assert len(script.requests) == 1
    for script, call in both(httpx.ConnectError("refused"), Says(204)):
        assert call("delete", "job_1") is None
        assert len(script.requests) == 2


def test_readiness_is_told_at_once() -> None:
    """A call of `ready` is not retried until the service is ready."""
    for script, call in both(problem(503)):
        with pytest.raises(NotReady):
            call("ready")
        assert len(script.requests) == 1


def test_the_key_goes_to_the_service_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """The API key is sent with each request to the service, to no redirect's target, and is in no repr or error."""
    monkeypatch.setenv("BESTGUESS_API_KEY", "hidden-key")
    script = Script(Says(302, headers={"Location": "http://elsewhere.example/"}))
    with Client(URL, transport=script) as client, pytest.raises(UnexpectedAnswer) as caught:
        client.job("job_1")
    assert [request.url.host for request in script.requests] == ["service.example"]
    assert script.requests[0].headers["Authorization"] == "Bearer hidden-key"
    assert "hidden" not in f"{client!r} {vars(client)!r} {client._http.headers!r} {caught.value!r} {caught.value}"
    with pytest.raises(InvalidArgument) as refused:
        Client(URL, api_key="hidden\nkey")
    assert "hidden" not in str(refused.value)


@pytest.mark.parametrize("url", ["", "nonsense", "ftp://x", "http://", "http://x:y"])
def test_bad_urls(url: str) -> None:
    """An invalid URL is refused at once."""
    with pytest.raises(InvalidArgument):
        Client(url)


def test_where_the_service_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """The argument comes first, then BESTGUESS_URL, then BESTGUESS_PORT; passwords are not shown."""
    monkeypatch.delenv("BESTGUESS_URL", raising=False)
    monkeypatch.delenv("BESTGUESS_PORT", raising=False)
    assert Client().url == "http://127.0.0.1:8000"
    monkeypatch.setenv("BESTGUESS_PORT", "8080")
    assert Client().url == "http://127.0.0.1:8080"
    monkeypatch.setenv("BESTGUESS_URL", "http://me:secret@a.example/base/")
    assert Client().url == "http://a.example/base"
    assert Client("http://b.example").url == "http://b.example"


def test_images() -> None:
    """A path, bytes, an open file and a Pillow image are sent; anything else is refused."""
    for script, call in both(problem(415), retries=NEVER):
        for image in (b"bytes", bytearray(b"bytes"), io.BytesIO(b"bytes"), Image.new("L", (2, 2))):
            with pytest.raises(InvalidImage):
                call("classify", image, top_k=3, model=None)
        for image in (b"", io.StringIO("text"), 3):
            with pytest.raises(InvalidArgument):
                call("classify", image)
        with pytest.raises(FileNotFoundError):
            call("classify", "nowhere.jpg")
        assert len(script.requests) == 4
        assert all(b"bytes" in request.content for request in script.requests[:3])
        assert b"\x89PNG" in script.requests[3].content
        assert script.requests[0].url.query == b"top_k=3"


@pytest.mark.parametrize("name", ["", ".", ".."])
def test_no_ids(name: str) -> None:
    """An id that would change the path is refused; any other is quoted as one segment."""
    for script, call in both(problem(404)):
        with pytest.raises(InvalidArgument):
            call("job", name)
        with pytest.raises(NotFound):
            call("job", "../models/x?y")
        assert script.requests[0].url.raw_path == b"/jobs/..%2Fmodels%2Fx%3Fy"


def test_pictures_of_no_kind() -> None:
    """A picture is an SVG or a PNG."""
    for _, call in both(ok()):
        with pytest.raises(InvalidArgument, match="gif"):
            call("report_picture", "best", "gif")
