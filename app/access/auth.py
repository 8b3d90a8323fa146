"""Who is let in: the keys, the rates, and what an operator has opened or closed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.access.addresses import is_loopback, one_client
from app.access.keys import Keyring, KeysUnusable, read_keys
from app.access.rate_limit import Limiter, Rate
from app.errors import NoKey, RateExceeded
from bestguess.schemas.service import Scope
from jobs.owners import ANONYMOUS, EVERYBODY

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Self

    from starlette.datastructures import Headers

    from app.access.keys import Key
    from app.access.rate_limit import Verdict
    from app.access.settings import AccessSettings


AUTO = Rate(300, 60)  # an address without a key, where others than this machine's own users can call

HOW = "Send it as `Authorization: Bearer bg_...`, or as `X-API-Key`"


class Authenticator:
    """Lets callers in. It belongs to the event loop in which it is entered, and is left there."""

    def __init__(self, settings: AccessSettings) -> None:
        self.keyring = Keyring(settings.keys_path)
        self.metrics_open = settings.metrics == "open"
        self._settings = settings
        self._limiter = Limiter(settings.redis_url, settings.rate_wait_seconds)

    async def __aenter__(self) -> Self:
        self._limiter.greet()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._limiter.aclose()

    def recognise(self, headers: Headers, host: str | None) -> Principal:
        """Tell who calls, from an address.

        Raises:
            NoKey: a key is needed, and none, or none that is good, was sent.
        """
        self.keyring.look()
        if not self.keyring.closed:
            return without_key(ANYTHING, self._rate(), one_client(host))
        token = token_from(headers)
        if token is None:
            if not self._settings.allow_anonymous:
                raise NoKey(f"A key is needed. {HOW}; whoever runs this service makes one.")
            return without_key(WITHOUT_KEY, self._rate(), one_client(host))
        key = self.keyring.find(token)
        if key is None:
            raise NoKey(f"This key is not known here: mistyped, or revoked. {HOW}.", error="invalid_token")
        return with_key(key)

    def needs_key(self) -> bool:
        """Say whether nobody is let in without a key."""
        self.keyring.look()
        return self.keyring.closed and not self._settings.allow_anonymous

    async def count(self, caller: Principal) -> Mapping[str, str]:
        """Count a call, and return the headers that say how many more there may be.

        Raises:
            RateExceeded: there were too many already.
        """
        if caller.rate is None:
            return {}
        verdict = await self._limiter.hit(caller.counted_as, caller.rate)
        headers = _headers(caller.counted_as.partition(" ")[0], caller.rate, verdict)
        if not verdict.allowed:
            raise RateExceeded(caller.rate.calls, caller.rate.seconds, verdict.reset, headers)
        return headers

    def _rate(self) -> Rate | None:
        """Say how often one may call without a key."""
        wanted = self._settings.anonymous_rate
        if wanted == "auto":
            at_home = is_loopback(self._settings.reached_at) and not self.keyring.closed
            return None if at_home else AUTO
        return None if wanted == "unlimited" else Rate.parse(wanted)


def _headers(policy: str, rate: Rate, verdict: Verdict) -> dict[str, str]:
    """Write draft-ietf-httpapi-ratelimit-headers-10: a policy's quota and window; what remains, and until when."""
    return {
        "RateLimit-Policy": f'"{policy}";q={rate.calls};w={rate.seconds}',
        "RateLimit": f'"{policy}";r={verdict.remaining};t={verdict.reset}',
    }


# Who calls: a key, or somebody without one, from an address.
ANYTHING = frozenset(Scope)
WITHOUT_KEY = frozenset({Scope.CLASSIFY, Scope.TRAIN})  # beside those who have keys


@dataclass(frozen=True, slots=True)
class Principal:
    """Who calls, and what for. `counted_as` is whose calls are counted together, where there is a `rate`."""

    name: str | None  # the key's; None: without one
    owner: str
    scopes: frozenset[Scope]
    rate: Rate | None
    counted_as: str

    def may(self, *scopes: Scope) -> bool:
        """Say whether one of these scopes is the caller's; an admin has all."""
        return Scope.ADMIN in self.scopes or not self.scopes.isdisjoint(scopes)

    @property
    def whose(self) -> str:
        """Whose jobs and models the caller sees."""
        return EVERYBODY if Scope.ADMIN in self.scopes else self.owner


def with_key(key: Key) -> Principal:
    """Make the caller that a key stands for."""
    return Principal(
        key.name, key.owner, frozenset(key.scopes), Rate.parse(key.rate) if key.rate else None, f"key {key.id}"
    )


def without_key(scopes: frozenset[Scope], rate: Rate | None, address: str) -> Principal:
    """Make the caller from an address; all such share what is theirs."""
    return Principal(None, ANONYMOUS, scopes, rate, f"address {address}")


def token_from(headers: Headers) -> str | None:
    """Find the key in a request's headers; None if none was sent. Of Authorization, other schemes are not for us.

    Raises:
        NoKey: there are several, of which another program may have taken another.
    """
    authorizations, plain = headers.getlist("Authorization"), headers.getlist("X-API-Key")
    bearers = [rest.strip() for scheme, _, rest in (one.partition(" ") for one in authorizations) if _is_bearer(scheme)]
    if len(authorizations) > 1 or len(plain) > 1 or len({*bearers, *plain}) > 1:
        raise NoKey("The request has several keys. Send one, in one header.", error="invalid_request")
    return next(iter((*bearers, *plain)), None)


def _is_bearer(scheme: str) -> bool:
    return scheme.lower() == "bearer"


# Whether the service may start as it is set up: never open to others by mistake.
MAKE = "bestguess keys create NAME --scope classify --scope train"


def keys_problem(settings: AccessSettings) -> str | None:
    """Say why the service may not start, and the command that changes it; None if it may."""
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
