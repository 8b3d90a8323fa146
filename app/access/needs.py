"""What routes say of access: which scope a call needs, and whose things it is about."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request, Security, params
from fastapi.security import APIKeyHeader, HTTPBearer, SecurityScopes

from app.access.callers import Caller
from app.access.guard import Guard
from app.errors import OutOfScope
from bestguess.schemas.service import Scope

# They only declare: the door has read the headers before anything else was.
_BEARER = HTTPBearer(auto_error=False, scheme_name="bearer", description="`Authorization: Bearer bg_...`")
_HEADER = APIKeyHeader(name="X-API-Key", auto_error=False, scheme_name="header", description="the same key")


async def _caller(request: Request) -> Caller:
    caller: Caller = request.state.caller
    return caller


async def _whose(request: Request) -> str:
    caller: Caller = request.state.caller
    return caller.whose


async def _guard(request: Request) -> Guard:
    guard: Guard = request.app.state.guard
    return guard


CallerDep = Annotated[Caller, Depends(_caller)]
WhoseDep = Annotated[str, Depends(_whose)]
GuardDep = Annotated[Guard, Depends(_guard)]


async def _check(
    caller: CallerDep,
    wanted: SecurityScopes,
    _bearer: Annotated[object, Security(_BEARER)],
    _header: Annotated[object, Security(_HEADER)],
) -> None:
    if not caller.may(*map(Scope, wanted.scopes)):
        raise OutOfScope(wanted.scopes)


def needs(*scopes: Scope) -> params.Security:
    """Make a route's dependency that refuses who has none of these scopes."""
    made: params.Security = Security(_check, scopes=list(scopes))
    return made
