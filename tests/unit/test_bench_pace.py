import pytest

from benchmarks.asked import Plan, connections_in
from benchmarks.pace import Pace


def test_turns_come_at_the_rate() -> None:
    """At four a second the turns are a quarter of a second apart, however many wait for one."""
    pace = Pace(4, clock=lambda: 10.0)
    assert [pace.wait() for _ in range(4)] == [0, 0.25, 0.5, 0.75]


def test_missed_turns_are_not_made_up_for() -> None:
    """After a time in which nobody was free the turns go on from now: there is no burst."""
    times = iter([0.0, 5.0, 5.0])
    pace = Pace(4, clock=lambda: next(times))
    assert [pace.wait() for _ in range(3)] == [0, 0, 0.25]


def test_connections_are_read_in_any_order() -> None:
    """`--connections` takes numbers with spaces, twice, or out of order; they are measured ascending."""
    assert connections_in("32, 1,8,8") == (1, 8, 32)


@pytest.mark.parametrize(("connections", "level"), [((1, 8, 32, 128), 32), ((1, 8), 8), ((64, 128), 128)])
def test_ratios_are_taken_at_32_connections(connections: tuple[int, ...], level: int) -> None:
    """Ratios are taken at 32 connections, or where these are not measured at the most that are."""
    assert Plan("vgg16", 1, connections, None, beside=False, against=False).level == level
