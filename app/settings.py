"""The service's settings, each from an environment variable with the prefix BESTGUESS_."""

from __future__ import annotations

from pydantic import Field, field_validator
from pydantic_core import PydanticCustomError

from app.access.settings import AccessSettings
from jobs.settings import SettingsError

__all__ = ["Settings", "SettingsError", "load_settings"]

MEBIBYTE = 1024 * 1024


class Settings(AccessSettings):
    """All that an operator can choose for the service."""

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


def load_settings() -> Settings:
    """Read the settings from the environment.

    Raises:
        SettingsError: a variable has a value that cannot be used.
    """
    return Settings.load()
