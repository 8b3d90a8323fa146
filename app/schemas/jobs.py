"""Pages of jobs and of their events."""

from __future__ import annotations

from app.schemas.wire import Wire
from jobs.model import Event, Job  # noqa: TC001 - pydantic reads the annotations


class Jobs(Wire):
    """A page of jobs, the newest first, without their histories."""

    data: list[Job]
    has_more: bool


class Events(Wire):
    """A page of what happened to a job, ascending."""

    data: list[Event]
    has_more: bool
