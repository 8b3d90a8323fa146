"""A client of a running service, for programs and for the command line: blocking, or for asyncio."""

from bestguess.client.asynchronous import AsyncClient
from bestguess.client.blocking import Client
from bestguess.client.errors import (
    BestGuessError,
    Busy,
    Conflict,
    DownloadDamaged,
    InvalidArgument,
    InvalidImage,
    InvalidParameters,
    NotAllowed,
    NotFound,
    NotReady,
    ProblemError,
    ServiceUnreachable,
    StillRunning,
    UnexpectedAnswer,
)
from bestguess.client.retries import Retries

__all__ = [
    "AsyncClient",
    "BestGuessError",
    "Busy",
    "Client",
    "Conflict",
    "DownloadDamaged",
    "InvalidArgument",
    "InvalidImage",
    "InvalidParameters",
    "NotAllowed",
    "NotFound",
    "NotReady",
    "ProblemError",
    "Retries",
    "ServiceUnreachable",
    "StillRunning",
    "UnexpectedAnswer",
]
