import pytest

from bestguess.client._request import retry_after
from bestguess.client._retry import Retries
from bestguess.client.errors import BestGuessError, ServiceUnreachable, error_for_problem
from bestguess.schemas import Problem

RETRIES = Retries(attempts=4, unreachable=3, seconds=60, first=1, longest=4)
NOW = 1_800_000_000.0
DATE = "Fri, 15 Jan 2027 08:00:00 GMT"  # NOW


def answered(status: int, after: float | None = None) -> BestGuessError:
    """Make a problem that a service reports."""
    return error_for_problem(Problem(type="about:blank", title="", status=status, detail="no"), after)


def silent(*, sent: bool = True) -> BestGuessError:
    """Make the error of a failed connection."""
    return ServiceUnreachable("http://x", "gone", sent=sent)


def pause(error: BestGuessError, attempt: int = 1, elapsed: float = 0, *, repeatable: bool = True) -> float | None:
    """Return the pause without jitter."""
    return RETRIES.pause(error, attempt, elapsed, 0.0, repeatable=repeatable)


@pytest.mark.parametrize(("status", "waits"), [(429, True), (503, True), (502, True), (500, False), (404, False)])
def test_which_answers_are_worth_waiting_for(status: int, waits: bool) -> None:
    """Busy and not ready are retried, even what may not be repeated, as it was not done; other problems are not."""
    assert (pause(answered(status), repeatable=False) is not None) is waits


def test_what_the_service_names_is_waited_for() -> None:
    """Retry-After is never shortened; jitter only adds to it."""
    assert pause(answered(429, 7)) == 7
    assert RETRIES.pause(answered(429, 7), 1, 0, 1.0, repeatable=True) == 8


def test_pauses_double_up_to_the_longest() -> None:
    """Without Retry-After pauses are 1, 2, 4 s, half of that with full jitter; then it gives up."""
    assert [pause(answered(503), attempt) for attempt in (1, 2, 3, 4)] == [1, 2, 4, None]
    assert RETRIES.pause(answered(503), 2, 0, 1.0, repeatable=True) == 1
    assert Retries(attempts=10**9, longest=4).pause(answered(503), 10**6, 0, 0, repeatable=True) == 4


def test_time_is_bounded() -> None:
    """A pause that would end after the allowed time is not begun."""
    assert pause(answered(429, 59), elapsed=1) == 59
    assert pause(answered(429, 59), elapsed=2) is None
    assert pause(answered(429, float("inf"))) is None


def test_a_broken_connection() -> None:
    """It is retried if repeating does no harm or nothing was sent; without any connection three attempts are made."""
    assert pause(silent()) == 1
    assert pause(silent(), repeatable=False) is None
    assert pause(silent(sent=False), repeatable=False) == 1
    assert pause(silent(sent=False), 3) is None
    assert pause(silent(), 3) == 4


def test_streams_are_limited_by_time_alone() -> None:
    """Following a job may take more attempts than a call has, unless retries are off."""
    assert RETRIES.lasting().pause(silent(sent=False), 50, 0, 0, repeatable=True) == 4
    assert Retries(attempts=1).lasting().pause(silent(), 1, 0, 0, repeatable=True) is None


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"Retry-After": "12"}, 12),
        ({"Retry-After": " 0 "}, 0),
        ({"Retry-After": "9" * 400}, float("inf")),
        ({"Retry-After": "-1"}, None),
        ({"Retry-After": "soon"}, None),
        ({"Retry-After": "²"}, None),
        ({"Retry-After": "Fri, 15 Jan 2027 08:00:30 GMT"}, 30),
        ({"Retry-After": "Fri, 15 Jan 2027 07:00:00 GMT"}, 0),
        ({"Retry-After": "Fri, 15 Jan 2027 09:00:30 GMT", "Date": "Fri, 15 Jan 2027 09:00:00 GMT"}, 30),
        ({"Retry-After": "Fri, 99 Jan 2027 09:00:30 GMT"}, None),
    ],
)
def test_retry_after(headers: dict[str, str], seconds: float | None) -> None:
    """Seconds and HTTP dates are parsed, by the server's clock if it sends it; anything else is ignored."""
    assert retry_after(headers, NOW) == seconds
