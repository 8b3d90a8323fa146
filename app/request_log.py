"""One line of the log for each request that is over."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from app.exchange import method_of, route_of

if TYPE_CHECKING:
    from starlette.types import Scope

    from app.exchange import Exchange

log = logging.getLogger("bestguess.request")

QUIET = frozenset({"/healthz", "/readyz", "/metrics"})  # asked every few seconds, by machines
FAULT = 500


def log_request(exchange: Exchange, scope: Scope) -> None:
    """Write the line: debug for a probe that goes well, an error where something is wrong here, else info."""
    route = route_of(scope)
    level = _level(exchange, route)
    if not log.isEnabledFor(level):
        return
    method = method_of(exchange)
    facts = {
        "request_id": exchange.request_id,
        "method": method,
        "route": route,
        "status": exchange.status,
        "ms": _ms(exchange.total),
        "bytes_in": exchange.received,
        "bytes_out": exchange.sent,
        "key_name": scope.get("state", {}).get("key_name"),
        "problem": exchange.problem,
        "job_id": exchange.job_id,
    }
    if exchange.images:
        facts |= {
            "model": exchange.model,
            "images": exchange.images,
            "decode_ms": _ms(exchange.decode),
            "queue_ms": _ms(exchange.queue),
            "inference_ms": _ms(exchange.inference),
        }
    told = {name: fact for name, fact in facts.items() if fact is not None}
    log.log(level, "%s %s %d", method, route, exchange.status, extra=told)


def _level(exchange: Exchange, route: str) -> int:
    if exchange.status == FAULT:
        return logging.ERROR
    return logging.DEBUG if route in QUIET and exchange.status < FAULT else logging.INFO


def _ms(seconds: float) -> float:
    return round(1000 * seconds, 1)
