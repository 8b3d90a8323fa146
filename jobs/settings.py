"""The settings that the service and its workers share; each from an environment variable, prefix BESTGUESS_."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, Self

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict


class SettingsError(Exception):
    """A setting cannot be used; the message names it and says what is wrong, a line each."""


class SharedSettings(BaseSettings):
    """What both halves have to agree on. Frozen: read once, then handed down."""

    model_config = SettingsConfigDict(env_prefix="BESTGUESS_", frozen=True, env_ignore_empty=True)

    redis_url: str | None = Field(None, description="Redis to use; without it `bestguess up` starts its own")
    data_dir: Path = Field(Path("var"), description="folder for weights, data sets, models and Redis")
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="how much is logged")
    mirror: str = Field(
        "https://storage.googleapis.com/tensorflow",
        pattern=r"^https?://[^\s]+$",
        description="where weights and data sets are downloaded from; keeps the paths of Keras's own store",
    )

    @classmethod
    def load(cls) -> Self:
        """Read the settings from the environment.

        Raises:
            SettingsError: a variable has a value that cannot be used.
        """
        try:
            return cls()
        except ValidationError as error:
            lines = [f"BESTGUESS_{str(e['loc'][0]).upper()}={e['input']!r}: {e['msg']}" for e in error.errors()]
            raise SettingsError("\n".join(lines)) from None


class WorkerSettings(SharedSettings):
    """What an operator can choose for a worker; it stands here so that `bestguess up` can check it before it starts."""

    mnist: Path | None = Field(None, description="path to mnist.npz")
    worker_device: Literal["auto", "cpu", "gpu"] = Field("auto", description="where a worker trains")
    job_seconds: float = Field(3600, gt=0, description="seconds after which a job is ended")
    checkpoint_seconds: float = Field(10, gt=0, description="seconds of training between two checkpoints")
    job_retention_seconds: float = Field(
        7 * 24 * 3600, gt=0, description="seconds that a finished job, and its model, is kept"
    )
