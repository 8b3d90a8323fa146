"""What a load heard, summed up: images a second, percentiles, refusals, errors by their kind."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

ANSWERED, REFUSED = "200", "429"
_PERCENTILES = (50, 95, 99)


class Heard(NamedTuple):
    """The end of one request: its HTTP status, or the name of the error that it ended with, and how long it took."""

    kind: str
    ms: float


def summed(heard: Sequence[Heard], begun: int, seconds: float) -> dict[str, Any]:
    """Sum up what ended within `seconds`, in which so many requests were begun."""
    kinds = Counter(one.kind for one in heard)
    answered, refused = kinds.pop(ANSWERED, 0), kinds.pop(REFUSED, 0)
    return {
        "seconds": seconds,
        "offered_per_second": begun / seconds,
        "images_per_second": answered / seconds,
        "refused_per_second": refused / seconds,
        "answered": {"count": answered, **percentiles([one.ms for one in heard if one.kind == ANSWERED])},
        "refused": {"count": refused, **percentiles([one.ms for one in heard if one.kind == REFUSED])},
        "errors": dict(sorted(kinds.items())),
    }


def percentiles(milliseconds: Sequence[float]) -> dict[str, float | None]:
    """Take the percentiles, interpolated between the two nearest (Hyndman and Fan 1996, type 7); None of nothing."""
    if not milliseconds:
        return {f"p{each}_ms": None for each in _PERCENTILES}
    values = np.percentile(milliseconds, _PERCENTILES)
    return {f"p{each}_ms": float(value) for each, value in zip(_PERCENTILES, values, strict=True)}
