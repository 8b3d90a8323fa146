"""A parsed scrape of `/metrics`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client.parser import text_string_to_metric_families

if TYPE_CHECKING:
    import httpx


class Scrape:
    """What one answer told: each sample by its name and labels, and each name that there is."""

    def __init__(self, client: httpx.Client) -> None:
        response = client.get("/metrics")
        assert response.status_code == 200, response.text
        assert response.headers["Content-Type"].startswith("text/plain; version=")
        self.text = response.text
        self._samples: dict[tuple[str, frozenset[tuple[str, str]]], float] = {}
        self.names: set[str] = set()
        for family in text_string_to_metric_families(self.text):
            self.names |= {family.name, *(f"{family.name}_{end}" for end in ENDINGS[family.type])}
            for sample in family.samples:
                self._samples[sample.name, frozenset(sample.labels.items())] = sample.value

    def __call__(self, name: str, **labels: str) -> float | None:
        """Look a sample up; None if it was not told."""
        return self._samples.get((name, frozenset(labels.items())))

    def labels(self, name: str, label: str) -> set[str]:
        """Name every value that a label has in a metric."""
        return {dict(labels)[label] for found, labels in self._samples if found == name}


ENDINGS = {"counter": ("total",), "histogram": ("bucket", "sum", "count"), "gauge": (), "info": (), "unknown": ()}
