"""`GET /metrics`."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response
from fastapi.responses import PlainTextResponse

from app.dependencies import AnyDeskDep, MetricsDep
from app.metrics import exposition, job_metrics

router = APIRouter(tags=["health"])


@router.get("/metrics", response_class=PlainTextResponse, summary="Figures for Prometheus")
async def metrics(request: Request, metrics: MetricsDep, desk: AnyDeskDep) -> Response:
    """Tell what Prometheus wants to know of this replica, and of the jobs and workers that all replicas share."""
    body, media_type = exposition(metrics.registry, await job_metrics(desk), request.headers.get("Accept", ""))
    return Response(body, media_type=None, headers={"Content-Type": media_type, "Cache-Control": "no-store"})
