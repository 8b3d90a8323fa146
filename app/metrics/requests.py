"""Requests, refusals and refused connections, counted as they end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client import Counter, Gauge, Histogram

from app.errors import DeadlinePassed, Overloaded
from app.exchange import method_of, route_of

if TYPE_CHECKING:
    from http import HTTPStatus

    from prometheus_client import CollectorRegistry
    from starlette.types import Scope

    from app.exchange import Exchange

SECONDS = (0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)


class RequestCounts:
    """What is told of HTTP."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._requests = Counter(
            "bestguess_http_requests",
            "Requests that are over, by the template of their route and the status of their answer.",
            ("method", "route", "status"),
            registry=registry,
        )
        self._durations = Histogram(
            "bestguess_http_request_duration_seconds",
            "From a request's head to the first byte of its answer.",
            ("method", "route"),
            buckets=SECONDS,
            registry=registry,
        )
        self.in_progress = Gauge(
            "bestguess_http_requests_in_progress", "Requests in hand, event streams among them.", registry=registry
        )
        refusals = "Requests, and files of a batch, that were answered with an error, by its problem type."
        self._refusals = Counter("bestguess_refusals", refusals, ("reason",), registry=registry)
        connections = "Connections closed because of what came before a request could be read, by status."
        self._connections = Counter("bestguess_connections_refused", connections, ("status",), registry=registry)
        self._begin_at_zero()

    def _begin_at_zero(self) -> None:
        """Tell what alerts wait for before it happens: Prometheus sees no increase in a first value that is 1."""
        for reason in (Overloaded.slug, DeadlinePassed.slug):
            self._refusals.labels(reason)
        for status in (400, 408, 431):
            self._connections.labels(str(status))

    def answered(self, exchange: Exchange, scope: Scope) -> None:
        """Count a request that is over."""
        method, route = method_of(exchange), route_of(scope)
        self._requests.labels(method, route, str(exchange.status)).inc()
        if exchange.first_byte is not None:
            self._durations.labels(method, route).observe(exchange.first_byte)
        for reason in [exchange.problem, *exchange.refused]:
            if reason:
                self._refusals.labels(reason).inc()

    def connection_refused(self, status: HTTPStatus) -> None:
        """Count a connection that was closed before there was a request."""
        self._connections.labels(str(status.value)).inc()
