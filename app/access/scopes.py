"""What a key is for."""

from __future__ import annotations

from enum import StrEnum


class Scope(StrEnum):
    """What a key is for. An admin may do everything, with everybody's things."""

    CLASSIFY = "classify"
    TRAIN = "train"
    ADMIN = "admin"
