"""The settings about who may call, and from where."""

from __future__ import annotations

import re
from pathlib import Path  # noqa: TC003 - pydantic reads the annotations
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from app.access.addresses import networks, words
from app.access.rate_limit import check_rate
from jobs.settings import SharedSettings

if TYPE_CHECKING:
    from collections.abc import Callable

ORIGIN = re.compile(r"[a-z][a-z0-9+.-]*://[a-z0-9.\[\]:_-]+")
HOST = re.compile(r"(\*\.)?[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*")


def _check_rate(text: str) -> None:
    if text not in {"auto", "unlimited"}:
        check_rate(text)


def _check_origins(text: str) -> None:
    for origin in words(text):
        if origin != "*" and not ORIGIN.fullmatch(origin):
            raise ValueError(f"{origin[:80]!r} is no origin: https://name or https://name:port, with nothing after it")


def _check_hosts(text: str) -> None:
    for host in words(text):
        if host != "*" and not HOST.fullmatch(host):
            raise ValueError(f"{host[:80]!r} is no name of a host: write it without https:// and without a port")


def _read_by(check: Callable[[str], object]) -> AfterValidator:
    """Let a text pass that `check` can read."""

    def read(text: str) -> str:
        try:
            check(text)
        except ValueError as error:
            raise PydanticCustomError("unreadable", "{reason}", {"reason": str(error)}) from error
        return text

    return AfterValidator(read)


class AccessSettings(SharedSettings):
    """Keys, rates, and names. Each list is a text with commas, as an environment variable is."""

    keys_file: Path | None = Field(None, description="file of the API keys; without it `keys.json` in the data folder")
    allow_anonymous: bool = Field(
        default=False, description="`on`: callers without a key are let in, also from other machines; or `off`"
    )
    published_host: str = Field(
        "",
        description="address at which a proxy or a container's port is published, where that is not BESTGUESS_HOST: it "
        "decides whether others than this machine can call",
    )
    anonymous_rate: Annotated[str, _read_by(_check_rate)] = Field(
        "auto",
        description="calls that one address may make without a key, such as `60/minute`, or `unlimited`; "
        "`auto`: unlimited on loopback where there are no keys, else `300/minute`",
    )
    rate_wait_seconds: float = Field(
        0.025, gt=0, le=5, description="seconds that a call with a rate waits for Redis to count it"
    )
    max_jobs_per_owner: int = Field(
        0, ge=0, description="unfinished jobs that one owner may have, waiting or running; 0: no bound of its own"
    )
    metrics: Literal["open", "closed"] = Field("open", description="`closed`: /metrics needs an admin's key")
    trusted_proxies: Annotated[str, _read_by(networks)] = Field(
        "", description="proxies whose X-Forwarded-For is believed: addresses and networks, with commas between them"
    )
    allowed_hosts: Annotated[str, _read_by(_check_hosts)] = Field(
        "",
        description="names that the service is called by, beside `localhost`, BESTGUESS_HOST and plain addresses, with "
        "commas between them; `*.example.com` is all below it, `*` any",
    )
    cors_origins: Annotated[str, _read_by(_check_origins)] = Field(
        "",
        description="pages of other origins that may call, such as `https://example.com`, with commas between them; "
        "`*` is any",
    )
    host: str = Field("127.0.0.1", description="address that the API listens on")

    @property
    def keys_path(self) -> Path:
        """Where the keys are."""
        return self.keys_file or self.data_dir / "keys.json"

    @property
    def reached_at(self) -> str:
        """The address that callers use, which tells whether others than this machine can call."""
        return self.published_host or self.host
