"""Python client of a running service: `Client` blocks, `AsyncClient` is for asyncio."""

from bestguess.client._async import AsyncClient
from bestguess.client._core import Finetuning, Question, Training
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
from bestguess.client.files import AtomicFile

__all__ = [
    "AsyncClient",
    "AtomicFile",
    "BestGuessError",
    "Busy",
    "Client",
    "Conflict",
    "DownloadDamaged",
    "Finetuning",
    "InvalidArgument",
    "InvalidImage",
    "InvalidParameters",
    "NotAllowed",
    "NotFound",
    "NotReady",
    "ProblemError",
    "Question",
    "Retries",
    "ServiceUnreachable",
    "StillRunning",
    "Training",
    "UnexpectedAnswer",
]
