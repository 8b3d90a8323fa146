"""A client of a running service, for programs and for the command line: blocking, or for asyncio."""

from bestguess.client._async import AsyncClient
from bestguess.client._retry import Retries
from bestguess.client._sync import Client
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
