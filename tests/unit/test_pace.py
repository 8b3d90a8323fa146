from worker.pace import Pace


def test_groups_grow_to_a_fifth_of_a_second() -> None:
    """Calls take one step until the pace is known, then at most twice the last, up to a fifth of a second."""
    pace, groups = Pace(), []
    for _ in range(8):
        groups.append(pace.group)
        pace.add(groups[-1], 0.0195 * groups[-1])
    assert groups == [1, 1, 1, 2, 4, 8, 10, 10]


def test_slow_steps() -> None:
    """Steps longer than that are taken one by one."""
    pace = Pace()
    for _ in range(4):
        pace.add(1, 3.0)
    assert pace.group == 1


def test_first_calls_do_not_count() -> None:
    """The calls that also build graphs say nothing about the pace; a new interval begins with the one before."""
    pace = Pace()
    pace.add(1, 60)
    pace.add(1, 60)
    assert pace.steps_per_second is None
    pace.add(10, 2)
    pace.close()
    assert pace.steps_per_second == 5
    pace.add(10, 1)
    assert pace.steps_per_second == 10
