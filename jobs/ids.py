"""Ids of jobs and data sets: they sort by the time of their making, cannot be guessed, and are plain file names."""

from __future__ import annotations

import re
import secrets
import time

JOB_ID = re.compile(r"job_(?P<milliseconds>[0-9a-f]{12})[0-9a-f]{16}")


def new_job_id() -> str:
    """Make an id: `job_`, 12 hexadecimal digits of milliseconds since 1970, and 64 random bits."""
    return _new("job")


def new_dataset_id() -> str:
    """Make an id likewise, which begins with `ds_`."""
    return _new("ds")


def made_at(job_id: str) -> int:
    """Tell the milliseconds since 1970 at which an id was made, by its maker's clock; 0 if it is no such id."""
    match = JOB_ID.fullmatch(job_id)
    return int(match["milliseconds"], 16) if match else 0


def _new(kind: str) -> str:
    return f"{kind}_{time.time_ns() // 1_000_000:012x}{secrets.token_hex(8)}"
