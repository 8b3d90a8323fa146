"""Following a job over connections that break: where it is, and whether it is at its end. Nothing here does I/O."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import ValidationError

from bestguess.client import training
from bestguess.client._sse import Decoder
from bestguess.client.errors import UnexpectedAnswer
from bestguess.schemas.jobs import Event, JobStatus

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bestguess.client._request import Call
    from bestguess.schemas.jobs import Job

RECONNECT = 0.5  # seconds
LAST = {JobStatus.SUCCEEDED, JobStatus.FAILED, JobStatus.CANCELLED}


class Following:
    """One viewer of one job. Each connection goes on after the last event that was handed out."""

    def __init__(self, job_id: str, after: str | None) -> None:
        self._job_id, self._after = job_id, after
        self._decoder = Decoder()
        self._over = False
        self.done = False

    def connect(self) -> Call[bytes]:
        """Begin a connection."""
        self._decoder = Decoder()
        return training.events(self._job_id, self._after)

    def feed(self, piece: bytes) -> Iterator[Event]:
        """Take a piece of a connection, and give the events that it completes.

        Raises:
            UnexpectedAnswer: what came is no event.
        """
        for message in self._decoder.feed(piece):
            try:
                event = Event.model_validate_json(message.data, extra="ignore")
            except ValidationError:
                raise UnexpectedAnswer(f"The events of {self._job_id} are none that this client knows") from None
            self._after = event.id
            self.done = event.type in LAST
            yield event

    def ended(self, job: Job) -> float:
        """Take note of how the job stands after a connection that ended in order; say how long to wait for the next.

        Before the last event a service that stops ends its streams so; and one that was asked for what follows the last
        event. If the job was over before this connection began, the latter.
        """
        self.done = self._over
        self._over = job.status.finished
        return 0.0 if self.done else RECONNECT
