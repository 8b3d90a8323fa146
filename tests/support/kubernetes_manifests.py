"""Kubernetes manifests as `kubectl apply -k` would send them, and the objects they refer to."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

if TYPE_CHECKING:
    from collections.abc import Iterator

KUBERNETES = Path(__file__).parents[2] / "deploy" / "kubernetes"
Manifest = dict[str, Any]


def rendered(folder: str) -> list[Manifest]:
    """Render one folder."""
    if not shutil.which("kubectl"):
        pytest.skip("kubectl is not installed")
    words = ["kubectl", "kustomize", str(KUBERNETES / folder)]
    return list(yaml.safe_load_all(subprocess.run(words, capture_output=True, text=True, check=True).stdout))


def walk(value: object) -> Iterator[dict[str, Any]]:
    """Every mapping within a manifest."""
    if isinstance(value, dict):
        yield value
        for each in value.values():
            yield from walk(each)
    elif isinstance(value, list):
        for each in value:
            yield from walk(each)


def workloads(manifests: list[Manifest]) -> list[Manifest]:
    """Those that make pods."""
    return [each for each in manifests if each["kind"] in {"Deployment", "StatefulSet"}]


def containers(manifests: list[Manifest]) -> list[Manifest]:
    """All containers of all pods."""
    return [each for workload in workloads(manifests) for each in workload["spec"]["template"]["spec"]["containers"]]


def labels(workload: Manifest) -> set[tuple[str, str]]:
    """A workload's pods' labels."""
    return set(workload["spec"]["template"]["metadata"]["labels"].items())


def chosen(selector: Manifest, manifests: list[Manifest]) -> list[str]:
    """Name the workloads whose pods a selector selects."""
    wanted = set(selector.get("matchLabels", {}).items())
    among = [(each["key"], set(each["values"])) for each in selector.get("matchExpressions", ())]
    return [
        workload["metadata"]["name"]
        for workload in workloads(manifests)
        if wanted <= labels(workload) and all(dict(labels(workload)).get(key) in values for key, values in among)
    ]
