"""Whether the API's address can be listened on, or is listened on by us already."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from bestguess.doctor.finding import ok, wrong
from bestguess.supervisor.preflight import PreflightError, check_address
from bestguess.supervisor.probes import answers_healthz

if TYPE_CHECKING:
    from collections.abc import Iterator

    from app.settings import Settings
    from bestguess.doctor.finding import Finding


def look_at_port(settings: Settings) -> Iterator[Finding]:
    """Bind it and give it back; where that fails, ask who is there."""
    about, address = "port", f"{settings.host} port {settings.port}"
    try:
        asyncio.run(check_address(settings.host, settings.port))
    except PreflightError as error:
        if asyncio.run(answers_healthz(settings.host, settings.port)):
            yield ok(about, f"{address}: a service that is alive listens there")
        else:
            yield wrong(about, str(error), "Choose another with BESTGUESS_PORT, or stop the other program.")
        return
    yield ok(about, f"{address} is free")
