"""Who calls: a key, or somebody without one, from an address."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.access.rates import Rate
from app.errors import NoKey
from bestguess.schemas.service import Scope
from jobs.owners import ANONYMOUS, EVERYBODY

if TYPE_CHECKING:
    from starlette.datastructures import Headers

    from app.access.keys import Key

ANYTHING = frozenset(Scope)
WITHOUT_KEY = frozenset({Scope.CLASSIFY, Scope.TRAIN})  # beside those who have keys


@dataclass(frozen=True, slots=True)
class Caller:
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


def with_key(key: Key) -> Caller:
    """Make the caller that a key stands for."""
    return Caller(
        key.name, key.owner, frozenset(key.scopes), Rate.parse(key.rate) if key.rate else None, f"key {key.id}"
    )


def without_key(scopes: frozenset[Scope], rate: Rate | None, address: str) -> Caller:
    """Make the caller from an address; all such share what is theirs."""
    return Caller(None, ANONYMOUS, scopes, rate, f"address {address}")


def token_of(headers: Headers) -> str | None:
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
