"""Who is let in: the keys, the rates, and what an operator has opened or closed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.access.addresses import is_loopback, one_client
from app.access.callers import ANYTHING, WITHOUT_KEY, Caller, token_of, with_key, without_key
from app.access.keyring import Keyring
from app.access.limiter import Limiter
from app.access.rates import Rate
from app.errors import NoKey, RateExceeded

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Self

    from starlette.datastructures import Headers

    from app.access.settings import AccessSettings
    from app.access.windows import Verdict

AUTO = Rate(300, 60)  # an address without a key, where others than this machine's own users can call

HOW = "Send it as `Authorization: Bearer bg_...`, or as `X-API-Key`"


class Guard:
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

    def recognise(self, headers: Headers, host: str | None) -> Caller:
        """Tell who calls, from an address.

        Raises:
            NoKey: a key is needed, and none, or none that is good, was sent.
        """
        self.keyring.look()
        if not self.keyring.closed:
            return without_key(ANYTHING, self._rate(), one_client(host))
        token = token_of(headers)
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

    async def count(self, caller: Caller) -> Mapping[str, str]:
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
