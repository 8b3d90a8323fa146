"""How often: so many calls in a span of time, written as `60/minute`."""

from __future__ import annotations

import re
from dataclasses import dataclass

SECONDS = {"second": 1, "minute": 60, "hour": 3600, "day": 86_400}
_RATE = re.compile(r"(?P<calls>[1-9][0-9]{0,8})/(?P<unit>second|minute|hour|day)")


@dataclass(frozen=True, slots=True)
class Rate:
    """At most `calls` in any `seconds`."""

    calls: int
    seconds: int

    @classmethod
    def parse(cls, text: str) -> Rate:
        """Read `60/minute`.

        Raises:
            ValueError: it is not written so.
        """
        match = _RATE.fullmatch(text)
        if match is None:
            raise ValueError("a rate is written as 60/minute: a number from 1, '/', and second, minute, hour or day")
        return cls(int(match["calls"]), SECONDS[match["unit"]])


def check_rate(text: str) -> str:
    """Return a rate as it was written.

    Raises:
        ValueError: as `Rate.parse`.
    """
    Rate.parse(text)
    return text
