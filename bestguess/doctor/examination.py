"""Everything is looked at, in an order in which a reader mends it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from app.settings import Settings, SettingsError
from bestguess.doctor.files import look_at_data, look_at_mnist, look_at_models, look_at_weights
from bestguess.doctor.finding import Finding, Verdict, looked_at, warning
from bestguess.doctor.machine import (
    look_at_gpu,
    look_at_memory,
    look_at_open_files,
    look_at_processor,
    look_at_tensorflow,
)
from bestguess.doctor.ports import look_at_port
from bestguess.doctor.redis import look_at_redis
from bestguess.doctor.settings import look_at_settings
from jobs.settings import WorkerSettings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    Look = Callable[[], Iterable[Finding]]


def examine() -> Iterator[Finding]:
    """Look at everything, as each thing is found; what needs the settings waits until they can be read."""
    yield from looked_at("settings", lambda: look_at_settings(os.environ))
    try:
        settings, worker = Settings.load(), WorkerSettings.load()
    except SettingsError:
        yield warning("the rest", "was not looked at", "Correct the settings first.")
        return
    for about, look in looks(settings, worker):
        yield from looked_at(about, look)


def looks(settings: Settings, worker: WorkerSettings) -> list[tuple[str, Look]]:
    """Name each look that needs the settings."""
    return [
        ("weights", lambda: look_at_weights(settings)),
        ("MNIST", lambda: look_at_mnist(worker)),
        ("data folder", lambda: look_at_data(settings)),
        ("models", lambda: look_at_models(settings)),
        ("Redis", lambda: look_at_redis(settings)),
        ("port", lambda: look_at_port(settings)),
        ("TensorFlow", look_at_tensorflow),
        ("processor", lambda: look_at_processor(settings)),
        ("memory", lambda: look_at_memory(listed=settings.listed)),
        ("GPU", lambda: look_at_gpu(worker)),
        ("open files", look_at_open_files),
    ]


def healthy(findings: Iterable[Finding]) -> bool:
    """Say whether nothing is wrong; warnings may be."""
    return all(finding.verdict is not Verdict.WRONG for finding in findings)
