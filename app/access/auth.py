"""Authentication: who calls, what they may do, and how often; known before the body is read or a route looked for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from starlette.datastructures import Headers
from starlette.requests import Request

from app.access.addresses import is_loopback, one_client
from app.access.keys import Keyring, KeysUnusable, read_keys
from app.access.rate_limit import RateLimiter
from app.errors import NoKey, OutOfScope, Problem, RateExceeded, render
from app.settings import Rate
from bestguess.schemas.service import Scope
from jobs.owners import ANONYMOUS, EVERYBODY

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Self

    from starlette.types import ASGIApp, Receive, Send
    from starlette.types import Scope as AsgiScope

    from app.settings import Settings

EVERYTHING = frozenset(Scope)  # for callers where there are no keys
WITHOUT_KEY = frozenset({Scope.CLASSIFY, Scope.TRAIN})  # for callers without a key where others have some
AUTO = Rate(300, 60)  # of an address without a key, where callers from other machines are possible

# All other paths need a caller who is let in, so that a route which somebody adds is closed until they say otherwise.
OPEN = frozenset({"/", "/healthz", "/readyz", "/openapi.json", "/docs"})
OPEN_BELOW = ("/docs/", "/page/")
METRICS = "/metrics"

HOW = "Send it as `Authorization: Bearer bg_...`, or as `X-API-Key`"
MAKE = "bestguess keys create NAME --scope classify --scope train"


@dataclass(frozen=True, slots=True)
class Principal:
    """Who calls. Calls with the same `counted_as` are counted together, where there is a `rate`."""

    name: str | None  # the key's; None without one
    owner: str
    scopes: frozenset[Scope]
    rate: Rate | None
    counted_as: str

    @property
    def owner_filter(self) -> str:
        """The owner whose jobs and models the caller sees."""
        return EVERYBODY if Scope.ADMIN in self.scopes else self.owner


class Authenticator:
    """Authenticates callers and limits their rate. To be entered and left in the same event loop."""

    def __init__(self, settings: Settings) -> None:
        self.keyring = Keyring(settings.keys_path)
        self.metrics_open = settings.metrics == "open"
        self._allow_anonymous = settings.allow_anonymous
        self._limiter = RateLimiter(settings.redis_url, settings.rate_wait_seconds)
        self._open_rate, self._anonymous_rate = _rates_without_key(settings)

    async def __aenter__(self) -> Self:
        self._limiter.connect()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._limiter.aclose()

    def authenticate(self, headers: Headers, host: str | None) -> Principal:
        """Return who calls from an address.

        Raises:
            NoKey: a key is needed, and no valid one was sent, or several.
        """
        self.keyring.refresh()
        if not self.keyring.closed:
            return Principal(None, ANONYMOUS, EVERYTHING, self._open_rate, f"address {one_client(host)}")
        authorizations, plain = headers.getlist("Authorization"), headers.getlist("X-API-Key")
        parts = [authorization.partition(" ") for authorization in authorizations]  # it may have another scheme
        tokens = [token.strip() for scheme, _, token in parts if scheme.lower() == "bearer"] + plain
        if len(authorizations) > 1 or len(plain) > 1 or len(set(tokens)) > 1:  # another program may take another one
            raise NoKey("The request has several keys. Send one, in one header.", error="invalid_request")
        if not tokens:
            if not self._allow_anonymous:
                raise NoKey(f"A key is needed. {HOW}; whoever runs this service makes one.")
            return Principal(None, ANONYMOUS, WITHOUT_KEY, self._anonymous_rate, f"address {one_client(host)}")
        key = self.keyring.find(tokens[0])
        if key is None:
            raise NoKey(f"This key is not known here: mistyped, or revoked. {HOW}.", error="invalid_token")
        return Principal(key.name, key.owner, frozenset(key.scopes), key.rate, f"key {key.id}")

    def needs_key(self) -> bool:
        """Return whether nobody may call without a key."""
        self.keyring.refresh()
        return self.keyring.closed and not self._allow_anonymous

    async def count(self, who: str, rate: Rate) -> Mapping[str, str]:
        """Count a call, and return the headers that say how many more are allowed.

        They are those of draft-ietf-httpapi-ratelimit-headers-10: a policy's quota and window; what remains, and until
        when.

        Raises:
            RateExceeded: there were too many already.
        """
        verdict = await self._limiter.hit(who, rate)
        policy = who.partition(" ")[0]
        headers = {
            "RateLimit-Policy": f'"{policy}";q={rate.calls};w={rate.seconds}',
            "RateLimit": f'"{policy}";r={verdict.remaining};t={verdict.reset}',
        }
        if not verdict.allowed:
            raise RateExceeded(rate.calls, rate.seconds, verdict.reset, headers)
        return headers


class AuthMiddleware:
    """Put the caller into the request's state, or refuse; and say in the answer how many more calls are allowed."""

    def __init__(self, app: ASGIApp, authenticator: Authenticator) -> None:
        self._app, self._authenticator = app, authenticator
        self._open = OPEN | {METRICS} if authenticator.metrics_open else OPEN

    async def __call__(self, scope: AsgiScope, receive: Receive, send: Send) -> None:
        """Hand the request on with its caller."""
        if scope["type"] != "http" or scope["path"] in self._open or scope["path"].startswith(OPEN_BELOW):
            await self._app(scope, receive, send)
            return
        client, state = scope.get("client"), scope["state"]
        try:
            caller = self._authenticator.authenticate(Headers(scope=scope), client[0] if client else None)
            if caller.rate:
                state["record"].headers.update(await self._authenticator.count(caller.counted_as, caller.rate))
            if scope["path"] == METRICS and Scope.ADMIN not in caller.scopes:
                raise OutOfScope([Scope.ADMIN])
        except Problem as problem:
            answer = await render(Request(scope), problem)
            await answer(scope, receive, send)
            return
        state["caller"], state["key_name"] = caller, caller.name
        await self._app(scope, receive, send)


def _rates_without_key(settings: Settings) -> tuple[Rate | None, Rate | None]:
    """Return how often an address may call where there are no keys, and where there are; None is no limit."""
    match settings.anonymous_rate:
        case "auto":
            return (None if is_loopback(settings.reached_at) else AUTO), AUTO
        case "unlimited":
            return None, None
        case text:
            return Rate.parse(text), Rate.parse(text)


def keys_problem(settings: Settings) -> str | None:
    """Return why the service may not start, and the command that changes it; None if it may.

    It never is open to other machines by mistake.
    """
    try:
        keys = read_keys(settings.keys_path)
    except FileNotFoundError:
        keys = ()
    except KeysUnusable as error:
        return f"BESTGUESS_KEYS_FILE: {error}"
    if keys or settings.allow_anonymous or is_loopback(settings.reached_at):
        return None
    name = "BESTGUESS_PUBLISHED_HOST" if settings.published_host else "BESTGUESS_HOST"
    return (
        f"{name}={settings.reached_at!r}: others than this machine can call, and there are no keys in "
        f"{settings.keys_path}. Make one with `{MAKE}`, or let everybody in with BESTGUESS_ALLOW_ANONYMOUS=1"
    )
