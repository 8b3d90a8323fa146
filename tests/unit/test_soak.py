from random import Random

import pytest
from soak.slopes import fit, verdict

BOUND = 0.1


def samples(slope: float, noise: float = 0.5, count: int = 100) -> list[float]:
    """Make a series that first grows fast, as caches do, and then by `slope` from one to the next."""
    random = Random(2)
    warm = [10.0 * at for at in range(count // 2)]
    return warm + [warm[-1] + slope * at + random.gauss(0, noise) for at in range(count - len(warm))]


@pytest.mark.parametrize(
    ("series", "expected"),
    [
        (samples(0), "flat"),
        (samples(-1), "flat"),
        (samples(0.2), "grows"),
        (samples(0.1, noise=5), "uncertain"),
        (samples(1, count=60), "grows"),
        ([1128.0, 1128.0, 1072.0, 1115.0, 1128.0, 1128.0, 1072.0, 1128.0, 1128.0, 1128.0] * 10, "flat"),
    ],
)
def test_what_grows_is_told(series: list[float], expected: str) -> None:
    """What settles is flat, what goes on growing is told, and noise that could hide it is not taken for either."""
    assert verdict(fit(series), BOUND) == expected


def test_a_line_is_found() -> None:
    """Without noise the line is the one that the samples lie on."""
    line = fit(samples(0.25, noise=0))
    assert (line.slope, line.error) == (pytest.approx(0.25), pytest.approx(0))


def test_too_few_samples_say_nothing() -> None:
    """A soak that is too short ends with an error, and not with a verdict."""
    with pytest.raises(ValueError, match="at least"):
        fit([1.0] * 47)
