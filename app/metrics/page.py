"""The answer to a scrape: what is here and what is shared, in the form that the asker prefers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from prometheus_client import CollectorRegistry
    from prometheus_client.core import Metric


@dataclass(frozen=True, slots=True)
class _Both(Collector):
    here: CollectorRegistry
    shared: Sequence[Metric]

    def collect(self) -> Iterator[Metric]:
        yield from self.here.collect()
        yield from self.shared


def page(here: CollectorRegistry, shared: Sequence[Metric], accept: str) -> tuple[bytes, str]:
    """Write it down: Prometheus's text, or OpenMetrics where `accept` asks for it; and its media type."""
    encode, media_type = choose_encoder(accept)
    return encode(_Both(here, shared)), media_type
