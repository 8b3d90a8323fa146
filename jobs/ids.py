"""A job's id: sorts by the time of its making, cannot be guessed, and is a plain file name."""

from __future__ import annotations

import re
import secrets
import time

JOB_ID = re.compile(r"job_(?P<milliseconds>[0-9a-f]{12})[0-9a-f]{16}")


def new_job_id() -> str:
    """Make an id: `job_`, 12 hexadecimal digits of milliseconds since 1970, and 64 random bits."""
    return f"job_{time.time_ns() // 1_000_000:012x}{secrets.token_hex(8)}"


def made_at(job_id: str) -> int:
    """Tell the milliseconds since 1970 at which an id was made, by its maker's clock; 0 if it is no such id."""
    match = JOB_ID.fullmatch(job_id)
    return int(match["milliseconds"], 16) if match else 0
