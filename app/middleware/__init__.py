"""The middleware, as plain ASGI: Starlette's own base class hides a client's disconnect."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.middleware.cors import CORSMiddleware
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from app.access.auth import AuthMiddleware
from app.middleware.access_log import AccessLogMiddleware
from app.middleware.body_limit import BodyLimitMiddleware
from app.middleware.trusted_host import TrustedHostMiddleware
from app.settings import comma_separated, networks

if TYPE_CHECKING:
    from fastapi import FastAPI

    from app.access.auth import Authenticator
    from app.settings import Settings
    from jobs.telemetry.tracing import Tracing

METHODS = ("GET", "POST", "PUT", "DELETE")
REQUEST_HEADERS = (
    "Authorization",
    "X-API-Key",
    "Content-Type",
    "Accept",
    "Idempotency-Key",
    "Last-Event-ID",
    "X-Request-ID",
)
EXPOSED_HEADERS = (
    "Location",
    "Retry-After",
    "RateLimit",
    "RateLimit-Policy",
    "WWW-Authenticate",
    "ETag",
    "X-Request-ID",
)
DATASETS = "/datasets"  # below it come archives


def add_middleware(app: FastAPI, settings: Settings, authenticator: Authenticator, tracing: Tracing | None) -> None:
    """Add the middleware, from the innermost to the outermost, so that the last one sees every request and answer."""
    origins = comma_separated(settings.cors_origins)
    names = [settings.host, *comma_separated(settings.allowed_hosts)]
    larger = {DATASETS: settings.max_dataset_bytes}
    app.add_middleware(BodyLimitMiddleware, largest=settings.max_body_bytes, larger=larger)
    app.add_middleware(AuthMiddleware, authenticator=authenticator)
    if origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=origins,
            allow_methods=METHODS,
            allow_headers=REQUEST_HEADERS,
            expose_headers=EXPOSED_HEADERS,
        )
    app.add_middleware(TrustedHostMiddleware, names=names, origins=origins)
    if trusted := networks(settings.trusted_proxies):
        app.add_middleware(ProxyHeadersMiddleware, trusted_hosts=trusted)
    app.add_middleware(AccessLogMiddleware, tracing=tracing)
