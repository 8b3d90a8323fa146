"""One tree of errors, each with its status; `app.rendering` writes them as application/problem+json (RFC 9457)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from starlette.exceptions import HTTPException

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

MEDIA_TYPE = "application/problem+json"
CHALLENGE = 'Bearer realm="bestguess"'
URN = "urn:problem-type:bestguess:"


class Problem(HTTPException):
    """An answer that is an error. A subclass says which; `detail` says what happened and what to do.

    It is an HTTPException so that FastAPI, while it reads a body, hands it on instead of hiding it behind a 400.
    """

    status: ClassVar[int] = 500
    slug: ClassVar[str] = "internal-error"
    title: ClassVar[str] = "Something went wrong here"

    def __init__(
        self,
        detail: str,
        *,
        retry_after: int | None = None,
        close: bool = False,
        **members: Any,  # noqa: ANN401 - RFC 9457 allows any further members
    ) -> None:
        headers = {"Retry-After": str(retry_after)} if retry_after is not None else {}
        if close:
            headers["Connection"] = "close"
        super().__init__(self.status, detail, headers)
        self.members = members

    def body(self) -> dict[str, Any]:
        """Write the error down, without what belongs to the request."""
        return {
            "type": URN + self.slug,
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
            **self.members,
        }


class NotAnImage(Problem):
    """The bytes are not a picture, or a broken one."""

    status, slug, title = 400, "not-an-image", "This is not an image that can be read"


class NoInk(Problem):
    """A picture on which no digit can be seen."""

    status, slug, title = 400, "no-ink", "There is no digit on this picture"


class MalformedBody(Problem):
    """The body is not what its Content-Type says."""

    status, slug, title = 400, "malformed-body", "The request's body cannot be read"


class NoKey(Problem):
    """A key is needed, and none that is good was sent; `error` is RFC 6750's word for what was wrong with it."""

    status, slug, title = 401, "no-key", "A key is needed"

    def __init__(self, detail: str, error: str | None = None) -> None:
        super().__init__(detail)
        self.headers = {"WWW-Authenticate": CHALLENGE + (f', error="{error}"' if error else "")}


class OutOfScope(Problem):
    """The key is good, but not for this call."""

    status, slug, title = 403, "out-of-scope", "This key is not for this call"

    def __init__(self, scopes: Sequence[str]) -> None:
        super().__init__(f"This call needs a key with the scope {' or '.join(scopes)}.", scopes=list(scopes))
        self.headers = {"WWW-Authenticate": f'{CHALLENGE}, error="insufficient_scope", scope="{" ".join(scopes)}"'}


class ForeignOrigin(Problem):
    """A page from elsewhere wants to change something."""

    status, slug, title = 403, "foreign-origin", "This page may not call here"

    def __init__(self) -> None:
        super().__init__("The request comes from another site's page. BESTGUESS_CORS_ORIGINS lists those that may.")


class NotFound(Problem):
    """Nothing is known by this name."""

    status, slug, title = 404, "not-found", "There is nothing here"


class Conflict(Problem):
    """Not in the state that it is in."""

    status, slug, title = 409, "conflict", "This cannot be done"


class DamagedRecord(Problem):
    """What is stored under this name cannot be read; an operator has to repair or delete it."""

    status, slug, title = 409, "damaged-record", "This stored record is damaged"


class TooManyAliases(Problem):
    """As many names for trained networks as may be."""

    status, slug, title = 409, "too-many-aliases", "No more aliases can be set"


class TooManyDatasets(Problem):
    """As many data sets as one may keep."""

    status, slug, title = 409, "too-many-datasets", "No more data sets can be kept"


class NotAnArchive(Problem):
    """An archive that cannot be read."""

    status, slug, title = 400, "not-an-archive", "This is not an archive that can be read"


class TooLarge(Problem):
    """More bytes, pixels or work than is accepted."""

    status, slug, title = 413, "too-large", "This is larger than is accepted"


class UnsupportedMedia(Problem):
    """A format that is not accepted."""

    status, slug, title = 415, "unsupported-format", "This format is not accepted"


class WrongHost(Problem):
    """Called by a name that is not ours, by none, or by several."""

    status, slug, title = 421, "wrong-host", "This service has another name"

    def __init__(self, host: str) -> None:
        named = f"'{host[:80]}' in the header Host is no name of this service." if host else "There is no header Host."
        super().__init__(f"{named} BESTGUESS_ALLOWED_HOSTS lists further ones.")


class Invalid(Problem):
    """Parameters, or fields of a body, that cannot be used; `errors` names each."""

    status, slug, title = 422, "invalid-parameters", "Some parameters cannot be used"


class RateExceeded(Problem):
    """More calls than this caller may make in that time."""

    status, slug, title = 429, "rate-exceeded", "Too many calls"

    def __init__(self, calls: int, seconds: int, retry_after: int, headers: Mapping[str, str]) -> None:
        allowed = f"At most {calls:,} calls in {seconds:,} s are accepted"
        super().__init__(f"{allowed}; the next one in {retry_after:,} s.", retry_after=retry_after)
        self.headers = {**(self.headers or {}), **headers}


class Overloaded(Problem):
    """The queue is full."""

    status, slug, title = 429, "overloaded", "Too many images are waiting"


class TooManyJobs(Problem):
    """As many jobs wait as may."""

    status, slug, title = 429, "too-many-jobs", "Too many jobs are waiting"


class NotReady(Problem):
    """The model, or something that the call needs, is not there yet."""

    status, slug, title = 503, "not-ready", "Not ready yet"


class ModelUnusable(Problem):
    """A network's files cannot be had or are not what its job has recorded, or its answers are no numbers.

    A person has to do something about most of these, so that a client had better not come back at once.
    """

    status, slug, title = 503, "model-unusable", "This model cannot be used"
    retry_seconds: ClassVar[int] = 30

    def __init__(self, detail: str) -> None:
        super().__init__(detail, retry_after=self.retry_seconds)


class StorageUnavailable(Problem):
    """The disk is full, or the store of the data sets is away."""

    status, slug, title = 503, "storage-unavailable", "Data sets cannot be kept or read now"
    retry_seconds: ClassVar[int] = 30

    def __init__(self, detail: str) -> None:
        super().__init__(detail, retry_after=self.retry_seconds)


class NotEnoughMemory(ModelUnusable):
    """A network that is loaded when it is first asked has no room."""

    slug, title = "not-enough-memory", "There is no room for this model"


class OtherWeights(ModelUnusable):
    """A fine-tuned model was trained on other weights than its base is served with."""

    slug, title = "other-weights", "This model was trained on other weights"


class DeadlinePassed(Problem):
    """The answer took longer than the deadline."""

    status, slug, title = 504, "deadline-passed", "The answer took too long"
