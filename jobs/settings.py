"""The settings that the service and its workers share; each from an environment variable, prefix BESTGUESS_."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Literal, Self
from urllib.parse import quote, urlsplit, urlunsplit

from pydantic import Field, ValidationError, field_validator
from pydantic_core import PydanticCustomError
from pydantic_settings import BaseSettings, SettingsConfigDict

from jobs.artifacts import address
from jobs.telemetry.logs import Form  # noqa: TC001 - pydantic reads the annotations

MEBIBYTE = 1024 * 1024


class SettingsError(Exception):
    """A setting cannot be used; the message names it and says what is wrong, a line each."""


class SharedSettings(BaseSettings):
    """What both halves have to agree on. Frozen: read once, then handed down."""

    model_config = SettingsConfigDict(env_prefix="BESTGUESS_", frozen=True, env_ignore_empty=True)

    redis_url: str | None = Field(
        None, repr=False, description="Redis to use; without it `bestguess up` starts its own"
    )
    redis_password_file: Path | None = Field(
        None, description="file with the password for `BESTGUESS_REDIS_URL`, which then need not name it"
    )
    data_dir: Path = Field(Path("var"), description="folder for weights, data sets, models and Redis")
    artifacts_url: str | None = Field(
        None,
        description="where trained models are kept: a folder, or a URL for fsspec such as `s3://bucket/prefix`; "
        "without it `models` in the data folder",
    )
    weights: str = Field(
        "imagenet",
        description="weights of the networks that are downloaded: `imagenet`, `random`, a path to an .h5 for VGG16, "
        "or a folder with files of the official names",
    )
    precision: Literal["auto", "float32", "bfloat16", "float16"] = Field(
        "auto", description="number format of the networks' arithmetic"
    )
    max_pixels: int = Field(64_000_000, ge=1, description="pixels of an image")
    max_scans: int = Field(100, ge=1, description="scans of a JPEG")
    decode_seconds: float = Field(
        10, gt=0, le=600, description="seconds of processor time that decoding one image may take"
    )
    decode_memory_bytes: int = Field(1024 * MEBIBYTE, ge=128 * MEBIBYTE, description="memory of one decode process")
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="how much is logged")
    log_format: Form = Field(
        "auto", description="form of the log: `json`, `console` for people, `auto`: console on a terminal, else JSON"
    )
    mirror: str = Field(
        "https://storage.googleapis.com/tensorflow",
        pattern=r"^https?://[^\s]+$",
        description="where weights and data sets are downloaded from; keeps the paths of Keras's own store",
    )

    @field_validator("artifacts_url")
    @classmethod
    def _can_keep_artifacts(cls, url: str | None) -> str | None:
        try:
            return url and address.check(url)
        except ValueError as error:
            raise PydanticCustomError("artifacts_url", "{reason}", {"reason": str(error)}) from error

    @classmethod
    def load(cls) -> Self:
        """Read the settings from the environment.

        Raises:
            SettingsError: a variable has a value that cannot be used.
        """
        try:
            settings = cls()
        except ValidationError as error:
            lines = [f"BESTGUESS_{str(e['loc'][0]).upper()}={_shown(e['input'])!r}: {e['msg']}" for e in error.errors()]
            raise SettingsError("\n".join(lines)) from None
        if settings.redis_password_file is None:
            return settings
        return settings.model_copy(update={"redis_url": _with_password(settings)})


def _with_password(settings: SharedSettings) -> str:
    """Put the password of a file into the URL, so that it need not stand in the environment.

    Raises:
        SettingsError: there is no URL, or no password.
    """
    path = settings.redis_password_file
    if settings.redis_url is None or path is None:
        raise SettingsError("BESTGUESS_REDIS_PASSWORD_FILE is of no use without BESTGUESS_REDIS_URL")
    try:
        password = path.read_text(encoding="utf-8").strip()
    except (OSError, ValueError) as error:
        raise SettingsError(f"BESTGUESS_REDIS_PASSWORD_FILE={str(path)!r} cannot be read: {error}") from None
    if not password:
        raise SettingsError(f"BESTGUESS_REDIS_PASSWORD_FILE={str(path)!r} is empty")
    url = urlsplit(settings.redis_url)
    userinfo, _, address = url.netloc.rpartition("@")
    user = userinfo.partition(":")[0]
    return urlunsplit(url._replace(netloc=f"{user}:{quote(password, safe='')}@{address}"))


def _shown(value: object) -> object:
    """Leave out of a value what may be a password: from its first colon to its last @."""
    return re.sub(r":.*@", ":...@", value, flags=re.DOTALL) if isinstance(value, str) else value


class WorkerSettings(SharedSettings):
    """What an operator can choose for a worker; it stands here so that `bestguess up` can check it before it starts."""

    mnist: Path | None = Field(None, description="path to mnist.npz")
    worker_device: Literal["auto", "cpu", "gpu"] = Field("auto", description="where a worker trains")
    worker_niceness: int = Field(
        10, ge=0, le=19, description="how far training gives way to what else computes there; 0: not at all"
    )
    worker_pulse: Path | None = Field(
        None, description="file that a worker touches every five seconds, for `python -m worker.pulse` to look at"
    )
    features_bytes: int = Field(
        4096 * MEBIBYTE,
        ge=MEBIBYTE,
        description="bytes of what fine-tunings keep in the data folder of photographs that went through frozen layers",
    )
    job_seconds: float = Field(3600, gt=0, description="seconds after which a job is ended")
    checkpoint_seconds: float = Field(10, gt=0, description="seconds of training between two checkpoints")
    job_retention_seconds: float = Field(
        7 * 24 * 3600, gt=0, description="seconds that a finished job is kept; its model stays"
    )
    max_models: int = Field(
        200,
        ge=1,
        description="trained models kept of each owner: the newest, and beside them the best and what an alias names",
    )
