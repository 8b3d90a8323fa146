"""The service's settings, each from an environment variable with the prefix BESTGUESS_."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

MEBIBYTE = 1024 * 1024


class SettingsError(Exception):
    """A setting cannot be used; the message names it and says what is wrong, a line each."""


class Settings(BaseSettings):
    """All that an operator can choose. Frozen: read once, then handed down."""

    model_config = SettingsConfigDict(env_prefix="BESTGUESS_", frozen=True, env_ignore_empty=True)

    host: str = Field("127.0.0.1", description="address that the API listens on")
    port: int = Field(8000, ge=1, le=65535, description="port that the API listens on")
    redis_url: str | None = Field(None, description="Redis to use; without it `bestguess up` starts its own")
    data_dir: Path = Field(Path("var"), description="folder for weights, data sets, models and Redis")
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="how much is logged")

    weights: str = Field("imagenet", description="VGG16's weights: `imagenet`, `random`, or a path to an .h5")
    mirror: str = Field(
        "https://storage.googleapis.com/tensorflow",
        pattern=r"^https?://[^\s]+$",
        description="where weights and data sets are downloaded from; keeps the paths of Keras's own store",
    )
    stand_in: bool = Field(default=True, description="`on`: EfficientNet-Lite0 answers until VGG16 can; or `off`")
    precision: Literal["auto", "float32", "bfloat16", "float16"] = Field(
        "auto", description="number format of the networks' arithmetic"
    )
    mnist: Path | None = Field(None, description="path to mnist.npz")

    max_body_bytes: int = Field(20 * MEBIBYTE, ge=1024, description="bytes of a request's body")
    max_pixels: int = Field(64_000_000, ge=1, description="pixels of an image")
    max_scans: int = Field(100, ge=1, description="scans of a JPEG")
    max_files: int = Field(32, ge=1, le=1000, description="files in one /classify/batch request")
    max_parts: int = Field(64, ge=1, le=10_000, description="parts of a form, files included")
    decode_seconds: float = Field(10, gt=0, le=600, description="seconds that decoding one image may take")
    decode_memory_bytes: int = Field(1024 * MEBIBYTE, ge=64 * MEBIBYTE, description="memory of one decode process")
    decode_processes: int = Field(0, ge=0, le=256, description="decode processes; 0: one a processor core")
    queue_size: int = Field(128, ge=1, description="images that may wait for the network; more are answered 429")
    deadline_seconds: float = Field(30, gt=0, description="seconds after which a waiting request is answered 504")


def load_settings() -> Settings:
    """Read the settings from the environment.

    Raises:
        SettingsError: a variable has a value that cannot be used.
    """
    try:
        return Settings()
    except ValidationError as error:
        lines = [f"BESTGUESS_{str(e['loc'][0]).upper()}={e['input']!r}: {e['msg']}" for e in error.errors()]
        raise SettingsError("\n".join(lines)) from None
