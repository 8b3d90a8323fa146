"""One call: what is sent, how its answer is read, and whether it may be sent twice. Nothing here does I/O."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, TypeVar
from urllib.parse import quote

from pydantic import BaseModel, ValidationError

from bestguess.client.errors import InvalidArgument, UnexpectedAnswer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import httpx

    from bestguess.client.body import FileBody

Answer = TypeVar("Answer")
Shape = TypeVar("Shape", bound=BaseModel)

JSON = "application/json"
PICTURES = {"png": "image/png", "svg": "image/svg+xml"}


@dataclass(frozen=True, slots=True)
class Call(Generic[Answer]):
    """A request that is not sent yet.

    `repeatable`: asking twice does no harm. `patient`: when the service is busy or not ready, it is asked again.
    `timeout` is for the pause between two pieces of the answer, in seconds; None is the client's own.
    """

    method: str
    path: str
    read: Callable[[httpx.Response], Answer]
    params: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    json: Mapping[str, Any] | None = None
    files: list[tuple[str, tuple[str, bytes]]] | None = None
    fields: Mapping[str, str] | None = None
    body: FileBody | None = None
    repeatable: bool = True
    patient: bool = True
    timeout: float | None = None

    def request(self, client: httpx.Client | httpx.AsyncClient) -> httpx.Request:
        """Make the request; what is None is left to the service."""
        extensions: dict[str, Any] = {}
        if self.timeout is not None:
            extensions["timeout"] = client.timeout.as_dict() | {"read": self.timeout}
        request = client.build_request(
            self.method,
            self.path,
            params={name: value for name, value in self.params.items() if value is not None},
            headers={"Accept": JSON} | dict(self.headers),
            json=self.json,
            data=self.fields,
            files=self.files,
            extensions=extensions or None,
        )
        return request if self.body is None else self.body.of(request)


def shaped(shape: type[Shape]) -> Callable[[httpx.Response], Shape]:
    """Make a reader of a shape, which passes over fields that a newer service adds."""

    def read(response: httpx.Response) -> Shape:
        try:
            return shape.model_validate_json(response.content, extra="ignore")
        except ValidationError as error:
            where = ".".join(map(str, error.errors()[0]["loc"])) or "the whole"
            raise UnexpectedAnswer(
                f"{response.request.method} {response.url.path}: the answer is not a {shape.__name__} ({where}: "
                f"{error.errors()[0]['msg']}). Is this Best Guess, and not older than this client?"
            ) from None

    return read


def content(response: httpx.Response) -> bytes:
    """Read an answer as it is."""
    return response.content


def nothing(_: httpx.Response) -> None:
    """Read an answer that says nothing but that it was done."""


def picture(kind: str) -> Mapping[str, str]:
    """Make the header that asks for a picture.

    Raises:
        InvalidArgument: no such kind.
    """
    if kind not in PICTURES:
        raise InvalidArgument(f"{kind!r} is no kind of picture: choose one of {', '.join(PICTURES)}")
    return {"Accept": PICTURES[kind]}


def name(text: str) -> str:
    """Write an id or an alias as a part of a path.

    Raises:
        InvalidArgument: it cannot be one.
    """
    if text in {"", ".", ".."}:
        raise InvalidArgument(f"{text!r} is nobody's id or name")
    return quote(text, safe="", errors="replace")
