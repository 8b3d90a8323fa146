"""One API request: what is sent, how its response is parsed, and which responses are errors. No I/O."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, Generic, TypeVar
from urllib.parse import quote

import httpx
from pydantic import BaseModel, ValidationError

from bestguess.client._config import without_secrets
from bestguess.client.errors import InvalidArgument, UnexpectedAnswer, error_for_problem
from bestguess.schemas import Problem

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from bestguess.client.archive import FileBody

Answer = TypeVar("Answer")
Model = TypeVar("Model", bound=BaseModel)

PICTURE_TYPES = {"png": "image/png", "svg": "image/svg+xml"}


@dataclass(frozen=True, slots=True)
class Request(Generic[Answer]):
    """A request to one path of the API, independent of the transport that sends it.

    `repeatable`: sending it twice does no harm, so it is retried after a connection broke. `retry_busy`: it is retried
    when the service answers that it is busy or not ready. `read_timeout`: seconds between two chunks of the response;
    None means the client's own timeout.
    """

    method: str
    path: str
    parse: Callable[[httpx.Response], Answer]
    params: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    json: Mapping[str, Any] | None = None
    files: list[tuple[str, tuple[str, bytes]]] | None = None
    fields: Mapping[str, str] | None = None
    body: FileBody | None = None
    repeatable: bool = True
    retry_busy: bool = True
    read_timeout: float | None = None

    def build(self, http: httpx.Client | httpx.AsyncClient) -> httpx.Request:
        """Build the request for httpx. Parameters that are None are left out: the service has the defaults."""
        extensions: dict[str, Any] = {}
        if self.read_timeout is not None:
            extensions["timeout"] = http.timeout.as_dict() | {"read": self.read_timeout}
        request = http.build_request(
            self.method,
            self.path,
            params={name: value for name, value in self.params.items() if value is not None},
            headers={"Accept": "application/json"} | dict(self.headers),
            json=self.json,
            data=self.fields,
            files=self.files,
            extensions=extensions or None,
        )
        if self.body is None:
            return request
        # httpx reads a file only once, or loads it into memory. Ours is read again at each attempt.
        headers = httpx.Headers(request.headers)
        headers["Content-Length"] = str(self.body.size)
        return httpx.Request(
            request.method, request.url, headers=headers, stream=self.body, extensions=request.extensions
        )


def parse_as(model: type[Model]) -> Callable[[httpx.Response], Model]:
    """Return a parser of a JSON response. Schemas ignore fields that a newer service adds."""

    def parse(response: httpx.Response) -> Model:
        try:
            return model.model_validate_json(response.content)
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(map(str, first["loc"])) or "top level"
            raise UnexpectedAnswer(
                f"{response.request.method} {response.url.path}: the response is not a valid {model.__name__} "
                f"({where}: {first['msg']}). Is this a Best Guess service, and at least as new as this client?"
            ) from None

    return parse


def parse_bytes(response: httpx.Response) -> bytes:
    """Return the body as it is."""
    return response.content


def parse_nothing(_: httpx.Response) -> None:
    """Ignore the body of a response that only confirms."""


def check_response(response: httpx.Response) -> None:
    """Raise the error that a response stands for, if it does. Its body must have been read.

    Raises:
        ProblemError: the service reports a problem.
        UnexpectedAnswer: it is a redirect. These are not followed, so that no other host gets the API key.
    """
    if response.is_success:
        return
    if response.is_redirect:
        url = response.request.url
        location = response.headers.get("Location")
        target = without_secrets(url.join(location)) if location is not None else "another URL"
        raise UnexpectedAnswer(f"{without_secrets(url)} redirects to {target}; if that is right, use that URL")
    raise error_for_problem(_problem(response), retry_after(response.headers, time.time()))


def picture_headers(kind: str) -> dict[str, str]:
    """Return the header that requests a picture of a kind, `png` or `svg`.

    Raises:
        InvalidArgument: there is no such kind.
    """
    if kind not in PICTURE_TYPES:
        raise InvalidArgument(f"{kind!r} is not a kind of picture; choose one of {', '.join(PICTURE_TYPES)}")
    return {"Accept": PICTURE_TYPES[kind]}


def path_segment(text: str) -> str:
    """Quote an id or a name as one segment of a path.

    Raises:
        InvalidArgument: it would change the path.
    """
    if text in {"", ".", ".."}:
        raise InvalidArgument(f"{text!r} cannot be an id or a name")
    return quote(text, safe="", errors="replace")


def _problem(response: httpx.Response) -> Problem:
    """Parse the problem, or make one for a response that a proxy or another program sent."""
    try:
        return Problem.model_validate_json(response.content)
    except ValueError:
        status = f"{response.status_code} {response.reason_phrase}".strip()
        detail = f"{without_secrets(response.request.url)} answers {status} without saying what is wrong"
        return Problem(
            type="about:blank", title=response.reason_phrase or status, status=response.status_code, detail=detail
        )


def retry_after(headers: Mapping[str, str], now: float) -> float | None:
    """Parse Retry-After, a number or an HTTP date, as seconds from now (RFC 9110, 10.2.3). None if it is neither.

    `now` is seconds since 1970. A date is compared with the server's own clock if the response has a Date.
    """
    text = headers.get("Retry-After", "").strip()
    if text.isascii() and text.isdigit():
        return float(text)
    until = _timestamp(text)
    if until is None:
        return None
    return max(0.0, until - (_timestamp(headers.get("Date", "")) or now))


def _timestamp(text: str) -> float | None:
    """Parse an HTTP date as seconds since 1970."""
    try:
        return parsedate_to_datetime(text).timestamp()
    except (ValueError, OverflowError):
        return None
