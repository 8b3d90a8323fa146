"""Damaged records as a process remembers them."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from jobs import damage

if TYPE_CHECKING:
    import pytest


def test_very_many_damaged_records(caplog: pytest.LogCaptureFixture) -> None:
    """However many records are damaged, and however often they are met, none is logged twice, and memory is bounded."""
    names = [f"job_{number}" for number in range(damage.MOST + 10)]
    try:
        for _ in range(2):
            for name in names:
                assert damage.damaged("job", name, "odd").name == name
        assert sum(damage.counts().values()) == damage.MOST
    finally:
        for name in names:
            damage.mended("job", name)
    logged = Counter(record.getMessage() for record in caplog.records)
    assert set(logged.values()) == {1}
