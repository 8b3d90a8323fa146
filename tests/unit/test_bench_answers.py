import pytest

from benchmarks.answers import Heard, percentiles, summed


def test_percentiles_are_interpolated() -> None:
    """Of 1 to 101 milliseconds the percentiles are 51, 96 and 100; of one time they are that time."""
    assert percentiles([float(value) for value in range(101, 0, -1)]) == {"p50_ms": 51, "p95_ms": 96, "p99_ms": 100}
    assert percentiles([7.5]) == {"p50_ms": 7.5, "p95_ms": 7.5, "p99_ms": 7.5}


def test_nothing_has_no_percentiles() -> None:
    """Where nothing was heard, a percentile is null, and never a zero that looks fast."""
    assert set(percentiles([]).values()) == {None}


def test_answers_refusals_and_errors_are_told_apart() -> None:
    """Only 200 counts as an image; 429 has times of its own; whatever else there was is counted by its kind."""
    heard = [Heard("200", 100), Heard("200", 300), Heard("429", 2), Heard("504", 900), Heard("ConnectionResetError", 1)]
    told = summed([*heard, Heard("504", 901)], begun=8, seconds=2)
    assert told["images_per_second"] == 1
    assert told["offered_per_second"] == 4
    assert told["refused_per_second"] == 0.5
    assert told["answered"] == {"count": 2, "p50_ms": 200, "p95_ms": pytest.approx(290), "p99_ms": pytest.approx(298)}
    assert told["refused"]["p50_ms"] == 2
    assert told["errors"] == {"504": 2, "ConnectionResetError": 1}
