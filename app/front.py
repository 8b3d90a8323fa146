"""What stands before the routes: plain ASGI middleware, and its order."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.middleware.cors import CORSMiddleware
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from app.middleware.auth import AuthMiddleware
from app.middleware.body_limit import BodyLimitMiddleware
from app.middleware.observed import Observed
from app.middleware.request_id import RequestId
from app.middleware.trusted_host import TrustedHostMiddleware
from app.security_headers import SecurityHeaders
from app.settings import comma_separated, networks

if TYPE_CHECKING:
    from fastapi import FastAPI

    from app.access.auth import Authenticator
    from app.settings import Settings
    from jobs.telemetry.tracing import Tracing

ASKED = ("Authorization", "X-API-Key", "Content-Type", "Accept", "Idempotency-Key", "Last-Event-ID", "X-Request-ID")
TOLD = ("Location", "Retry-After", "RateLimit", "RateLimit-Policy", "WWW-Authenticate", "ETag", "X-Request-ID")
DATASETS = "/datasets"  # below it come archives
METHODS = ("GET", "POST", "PUT", "DELETE")


def add_middleware(app: FastAPI, settings: Settings, authenticator: Authenticator, tracing: Tracing | None) -> None:
    """Add the middleware. The first is the innermost; each answers what the ones inside it need not hear of."""
    origins = comma_separated(settings.cors_origins)
    larger = {DATASETS: settings.max_dataset_bytes}
    app.add_middleware(BodyLimitMiddleware, largest=settings.max_body_bytes, larger=larger)
    app.add_middleware(AuthMiddleware, authenticator=authenticator)
    if origins:
        app.add_middleware(
            CORSMiddleware, allow_origins=origins, allow_methods=METHODS, allow_headers=ASKED, expose_headers=TOLD
        )
    app.add_middleware(
        TrustedHostMiddleware, names=[settings.host, *comma_separated(settings.allowed_hosts)], origins=origins
    )
    if trusted := networks(settings.trusted_proxies):
        app.add_middleware(ProxyHeadersMiddleware, trusted_hosts=trusted)
    app.add_middleware(Observed, tracing=tracing)  # outside of whatever refuses, so that it is told of
    app.add_middleware(RequestId)
    app.add_middleware(SecurityHeaders)
