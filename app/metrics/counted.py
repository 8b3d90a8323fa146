"""What happens is counted as it happens, for this process; several services in one process share nothing."""

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Info, PlatformCollector, ProcessCollector, disable_created_metrics

from app.metrics.images import ImageCounts
from app.metrics.requests import RequestCounts

if TYPE_CHECKING:
    from prometheus_client.registry import Collector


class Metrics:
    """The counts of one service, and whoever else Prometheus is to ask."""

    def __init__(self) -> None:
        # Else there were twice the series, for times that nobody looks at.
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)
        Info("bestguess_build", "What runs here.", registry=self.registry).info({"version": version("bestguess")})
        self.requests = RequestCounts(self.registry)
        self.images = ImageCounts(self.registry)

    def watch(self, collector: Collector) -> None:
        """Let Prometheus be told of what is looked up when it asks."""
        self.registry.register(collector)
