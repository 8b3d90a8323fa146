"""Each request is noted from its head to the end of its answer, and then told to the metrics and the log."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.exchange import Exchange
from app.request_log import log_request
from jobs.telemetry.context import telling

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from app.metrics import Metrics
    from jobs.telemetry.tracing import Tracing

GONE, FAULT = 499, 500  # 499 is nginx's number for a client that went away
INTERNAL = "internal-error"


class Observed:
    """Keep an `Exchange` in the request's state. It stands inside of `RequestId`, and outside of all that refuses."""

    def __init__(self, app: ASGIApp, tracing: Tracing | None = None) -> None:
        self._app = app
        self._tracing = tracing

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand the request on, with the bytes of both ways counted."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        exchange = Exchange(scope["method"], scope.get("request_id"), self._tracing)
        state = scope.setdefault("state", {})
        state["exchange"] = exchange
        metrics: Metrics | None = state.get("metrics")

        async def receive_counted() -> Message:
            message = await receive()
            exchange.received += len(message.get("body", b""))
            return message

        async def send_counted(message: Message) -> None:
            if message["type"] == "http.response.start":
                exchange.begin_answer(message["status"])
            exchange.sent += len(message.get("body", b""))
            await send(message)

        if metrics:
            metrics.requests.in_progress.inc()
        try:
            with telling(request_id=exchange.request_id):
                await self._app(scope, receive_counted, send_counted)
        except Exception:
            exchange.status, exchange.problem = exchange.status or FAULT, INTERNAL
            raise
        finally:
            exchange.status = exchange.status or GONE
            exchange.problem = exchange.problem or state.get("problem")
            exchange.end()
            if metrics:
                metrics.requests.in_progress.dec()
                metrics.requests.answered(exchange, scope)
            log_request(exchange, scope)
