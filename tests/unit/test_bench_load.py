"""The load generator: its clock, its options, and what it makes of answers."""

import pytest

from benchmarks.load import Answer, Pacer, parse_connections, percentiles, summarize
from benchmarks.processes import UsageError
from benchmarks.serving import Plan


def test_percentiles_are_interpolated() -> None:
    """Of 1 to 101 milliseconds the percentiles are 51, 96 and 100; of one time they are that time."""
    assert percentiles([float(value) for value in range(101, 0, -1)]) == {"p50_ms": 51, "p95_ms": 96, "p99_ms": 100}
    assert percentiles([7.5]) == {"p50_ms": 7.5, "p95_ms": 7.5, "p99_ms": 7.5}


def test_nothing_has_no_percentiles() -> None:
    """Without any answer a percentile is null, and never a zero that looks fast."""
    assert set(percentiles([]).values()) == {None}


def test_answers_refusals_and_errors_are_told_apart() -> None:
    """Only 200 counts as an image; 429 has times of its own; other statuses and errors are counted by kind."""
    answers = [Answer("200", 100), Answer("200", 300), Answer("429", 2), Answer("504", 900), Answer("Timeout", 1)]
    row = summarize([*answers, Answer("504", 901)], sent=8, seconds=2)
    assert row["images_per_second"] == 1
    assert row["offered_per_second"] == 4
    assert row["refused_per_second"] == 0.5
    assert row["answered"] == {"count": 2, "p50_ms": 200, "p95_ms": pytest.approx(290), "p99_ms": pytest.approx(298)}
    assert row["refused"]["p50_ms"] == 2
    assert row["errors"] == {"504": 2, "Timeout": 1}


def test_turns_come_at_the_rate() -> None:
    """At four requests a second the turns are a quarter of a second apart, however many connections wait for one."""
    pacer = Pacer(4, clock=lambda: 10.0)
    assert [pacer.take_turn() for _ in range(4)] == [0, 0.25, 0.5, 0.75]


def test_missed_turns_are_dropped() -> None:
    """After a time in which no connection was free the turns go on from now: there is no burst."""
    times = iter([0.0, 5.0, 5.0])
    pacer = Pacer(4, clock=lambda: next(times))
    assert [pacer.take_turn() for _ in range(3)] == [0, 0, 0.25]


def test_connections_are_read_in_any_order() -> None:
    """`--connections` takes numbers with spaces, twice, or out of order; they are measured ascending."""
    assert parse_connections("32, 1,8,8") == (1, 8, 32)


@pytest.mark.parametrize("text", ["1,many", "0", "801", ""])
def test_other_connections_are_refused(text: str) -> None:
    """What is no number, or not from 1 to 800, is refused with an example."""
    with pytest.raises(UsageError, match="give numbers from 1 to 800, for instance 1,8,32,128"):
        parse_connections(text)


@pytest.mark.parametrize(("connections", "level"), [((1, 8, 32, 128), 32), ((1, 8), 8), ((64, 128), 128)])
def test_ratios_are_taken_at_32_connections(connections: tuple[int, ...], level: int) -> None:
    """Ratios are taken at 32 connections, or where these are not measured at the most that are."""
    plan = Plan("vgg16", 1, connections, None, with_training=False, with_litserve=False)
    assert plan.ratio_connections == level
