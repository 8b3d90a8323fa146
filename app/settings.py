"""The service's settings, each from an environment variable with the prefix BESTGUESS_."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from jobs.settings import SettingsError, SharedSettings

__all__ = ["Settings", "SettingsError", "load_settings"]

MEBIBYTE = 1024 * 1024


class Settings(SharedSettings):
    """All that an operator can choose for the service."""

    host: str = Field("127.0.0.1", description="address that the API listens on")
    port: int = Field(8000, ge=1, le=65535, description="port that the API listens on")

    weights: str = Field("imagenet", description="VGG16's weights: `imagenet`, `random`, or a path to an .h5")
    stand_in: bool = Field(default=True, description="`on`: EfficientNet-Lite0 answers until VGG16 can; or `off`")
    precision: Literal["auto", "float32", "bfloat16", "float16"] = Field(
        "auto", description="number format of the networks' arithmetic"
    )
    max_body_bytes: int = Field(20 * MEBIBYTE, ge=1024, description="bytes of a request's body")
    max_pixels: int = Field(64_000_000, ge=1, description="pixels of an image")
    max_scans: int = Field(100, ge=1, description="scans of a JPEG")
    max_files: int = Field(32, ge=1, le=1000, description="files in one /classify/batch request")
    max_parts: int = Field(64, ge=1, le=10_000, description="parts of a form, files included")
    decode_seconds: float = Field(10, gt=0, le=600, description="seconds that decoding one image may take")
    decode_memory_bytes: int = Field(1024 * MEBIBYTE, ge=64 * MEBIBYTE, description="memory of one decode process")
    decode_processes: int = Field(0, ge=0, le=256, description="decode processes; 0: one a processor core")
    queue_size: int = Field(128, ge=1, description="images in hand at once; more are answered 429")
    receive_seconds: float = Field(120, gt=0, description="seconds in which a whole request has to arrive")
    deadline_seconds: float = Field(30, gt=0, description="seconds after which a waiting request is answered 504")

    max_queued_jobs: int = Field(100, ge=1, description="jobs that may wait for a worker; more are answered 429")


def load_settings() -> Settings:
    """Read the settings from the environment.

    Raises:
        SettingsError: a variable has a value that cannot be used.
    """
    return Settings.load()
