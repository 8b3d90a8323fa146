"""The settings of the service, each from an environment variable with the prefix BESTGUESS_."""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import ip_network
from pathlib import Path  # noqa: TC003 - pydantic reads the annotations
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import AfterValidator, Field, field_validator
from pydantic_core import PydanticCustomError

from jobs.settings import SettingsError, SharedSettings

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Rate", "Settings", "SettingsError", "comma_separated", "load_settings", "networks"]

MEBIBYTE = 1024 * 1024
ORIGIN = re.compile(r"[a-z][a-z0-9+.-]*://[a-z0-9.\[\]:_-]+")
HOST = re.compile(r"(\*\.)?[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*")
RATE = re.compile(r"(?P<calls>[1-9][0-9]{0,8})/(?P<unit>second|minute|hour|day)")
UNIT_SECONDS = {"second": 1, "minute": 60, "hour": 3600, "day": 86_400}


@dataclass(frozen=True, slots=True)
class Rate:
    """At most `calls` in any `seconds`, written as `60/minute`."""

    calls: int
    seconds: int

    @classmethod
    def parse(cls, text: str) -> Rate:
        """Read `60/minute`.

        Raises:
            ValueError: it is not written so.
        """
        match = RATE.fullmatch(text)
        if match is None:
            raise ValueError("a rate is written as 60/minute: a number from 1, '/', and second, minute, hour or day")
        return cls(int(match["calls"]), UNIT_SECONDS[match["unit"]])

    def __str__(self) -> str:
        """Write it so."""
        unit = next(unit for unit, seconds in UNIT_SECONDS.items() if seconds == self.seconds)
        return f"{self.calls}/{unit}"


def comma_separated(text: str) -> list[str]:
    """Split a text at its commas."""
    return [word.strip() for word in text.split(",") if word.strip()]


def networks(text: str) -> list[str]:
    """Split a text into addresses and networks.

    Raises:
        ValueError: one of them is neither; it is named.
    """
    found = comma_separated(text)
    for one in found:
        try:
            ip_network(one)
        except ValueError as error:
            raise ValueError(f"{one[:50]!r} is neither an address nor a network: {error}") from None
    return found


def _check_rate(text: str) -> None:
    if text not in {"auto", "unlimited"}:
        Rate.parse(text)


def _check_origins(text: str) -> None:
    for origin in comma_separated(text):
        if origin != "*" and not ORIGIN.fullmatch(origin):
            raise ValueError(f"{origin[:80]!r} is no origin: https://name or https://name:port, with nothing after it")


def _check_hosts(text: str) -> None:
    for host in comma_separated(text):
        if host != "*" and not HOST.fullmatch(host):
            raise ValueError(f"{host[:80]!r} is no name of a host: write it without https:// and without a port")


def _readable_by(check: Callable[[str], object]) -> AfterValidator:
    """Refuse a text that `check` cannot read, with its reason."""

    def read(text: str) -> str:
        try:
            check(text)
        except ValueError as error:
            raise PydanticCustomError("unreadable", "{reason}", {"reason": str(error)}) from error
        return text

    return AfterValidator(read)


class Settings(SharedSettings):
    """The settings of the service. A list is one text with commas, as an environment variable is."""

    keys_file: Path | None = Field(None, description="file of the API keys; without it `keys.json` in the data folder")
    allow_anonymous: bool = Field(
        default=False, description="`on`: callers without a key are let in, also from other machines; or `off`"
    )
    published_host: str = Field(
        "",
        description="address at which a proxy or a container's port is published, where that is not BESTGUESS_HOST: it "
        "decides whether others than this machine can call",
    )
    anonymous_rate: Annotated[str, _readable_by(_check_rate)] = Field(
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
    trusted_proxies: Annotated[str, _readable_by(networks)] = Field(
        "", description="proxies whose X-Forwarded-For is believed: addresses and networks, with commas between them"
    )
    allowed_hosts: Annotated[str, _readable_by(_check_hosts)] = Field(
        "",
        description="names that the service is called by, beside `localhost`, BESTGUESS_HOST and plain addresses, with "
        "commas between them; `*.example.com` is all below it, `*` any",
    )
    cors_origins: Annotated[str, _readable_by(_check_origins)] = Field(
        "",
        description="pages of other origins that may call, such as `https://example.com`, with commas between them; "
        "`*` is any",
    )

    host: str = Field("127.0.0.1", description="address that the API listens on")
    port: int = Field(8000, ge=1, le=65535, description="port that the API listens on")

    models: str = Field(
        "vgg16",
        description="pretrained networks that are loaded at the start, with commas between: the first answers "
        "`/classify`; others are loaded when they are first asked",
    )
    stand_in: bool = Field(default=True, description="`on`: EfficientNet-Lite0 answers until VGG16 can; or `off`")
    max_body_bytes: int = Field(20 * MEBIBYTE, ge=1024, description="bytes of a request's body")
    max_dataset_bytes: int = Field(
        1024 * MEBIBYTE,
        ge=1024,
        description="bytes of a data set's photographs, and of a request with some, also unpacked",
    )
    max_dataset_images: int = Field(20_000, ge=1, le=1_000_000, description="photographs of a data set")
    max_datasets: int = Field(100, ge=1, description="data sets that one owner may keep")
    dataset_seconds: float = Field(
        1800, gt=0, le=3000, description="seconds in which photographs for a data set have to arrive and be looked at"
    )
    max_files: int = Field(32, ge=1, le=1000, description="files in one /classify/batch request")
    max_parts: int = Field(64, ge=1, le=10_000, description="parts of a form, files included")
    decode_processes: int = Field(0, ge=0, le=256, description="decode processes; 0: one a processor core")
    models_in_memory: int = Field(8, ge=1, description="trained networks kept in memory, those used last")
    queue_size: int = Field(128, ge=1, description="images in hand at once; more are answered 429")
    batch_wait_seconds: float = Field(
        0.0, ge=0, le=1, description="seconds that a batch under load waits to become as large as the one before"
    )
    receive_seconds: float = Field(120, gt=0, description="seconds in which a whole request has to arrive")
    deadline_seconds: float = Field(30, gt=0, description="seconds after which a waiting request is answered 504")
    drain_seconds: float = Field(
        0.0,
        ge=0,
        le=300,
        description="seconds from SIGTERM in which requests are still taken, until balancers see that it is not ready",
    )

    max_queued_jobs: int = Field(100, ge=1, description="jobs that may wait for a worker; more are answered 429")

    @field_validator("models")
    @classmethod
    def _are_known(cls, models: str) -> str:
        from vision.networks.registry import NETWORKS  # noqa: PLC0415 - few name one, and numpy comes with it

        names = [name.strip() for name in models.split(",")]
        if unknown := [name for name in names if name not in NETWORKS]:
            reason = f"there is no pretrained network '{unknown[0]}'; there are {', '.join(NETWORKS)}"
            raise PydanticCustomError("models", "{reason}", {"reason": reason})
        return ",".join(dict.fromkeys(names))

    @property
    def listed(self) -> tuple[str, ...]:
        """The ids of the pretrained networks that are loaded at the start."""
        return tuple(self.models.split(","))

    @property
    def keys_path(self) -> Path:
        """Where the keys are."""
        return self.keys_file or self.data_dir / "keys.json"

    @property
    def reached_at(self) -> str:
        """The address that callers use, which tells whether others than this machine can call."""
        return self.published_host or self.host


def load_settings() -> Settings:
    """Read the settings from the environment.

    Raises:
        SettingsError: a variable has a value that cannot be used.
    """
    return Settings.load()
