import pytest

from app.access.addresses import is_literal, is_loopback, one_client
from app.access.rate_limit import LocalWindows
from app.settings import Rate, networks


class Clock:
    """Seconds that pass when a test says so."""

    now = 6000.0

    def __call__(self) -> float:
        """Tell the time."""
        return self.now


@pytest.mark.parametrize(
    ("text", "rate"),
    [("60/minute", Rate(60, 60)), ("1/second", Rate(1, 1)), ("999999999/day", Rate(999_999_999, 86_400))],
)
def test_rates(text: str, rate: Rate) -> None:
    """A rate is a number of calls in a second, minute, hour or day."""
    assert Rate.parse(text) == rate
    assert str(rate) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "60",
        "60/",
        "/minute",
        "0/minute",
        "-1/minute",
        "1.5/minute",
        "60/minutes",
        "60 / minute",
        "60/minute\n",
        "٦/minute",
    ],
)
def test_what_is_no_rate(text: str) -> None:
    """Anything else is refused, with how to write one."""
    with pytest.raises(ValueError, match="60/minute"):
        Rate.parse(text)


def test_so_many_and_no_more() -> None:
    """As many calls are let through as the rate says, each with how many remain; others are not affected."""
    windows, rate = LocalWindows(Clock()), Rate(3, 60)
    assert [windows.hit("a", rate).remaining for _ in range(3)] == [2, 1, 0]
    assert not windows.hit("a", rate).allowed
    assert windows.hit("b", rate).allowed


def test_the_window_slides() -> None:
    """Never are more calls let through in a window's length than the rate says, wherever the length begins."""
    clock, rate = Clock(), Rate(10, 60)
    windows, let_in = LocalWindows(clock), []
    for _ in range(4000):
        clock.now += 0.1
        if windows.hit("a", rate).allowed:
            let_in.append(clock.now)
    assert len(let_in) >= 60  # 400 s
    for number, start in enumerate(let_in):
        assert sum(start <= moment < start + 59.9 for moment in let_in[number:]) <= 12  # an estimate


@pytest.mark.parametrize("calls", [1, 2, 7])
@pytest.mark.parametrize("offset", [0.0, 20.0, 59.5])
def test_who_waits_as_told_is_let_in(calls: int, offset: float) -> None:
    """After the seconds that a refusal names, a call is let in."""
    clock, rate = Clock(), Rate(calls, 60)
    clock.now += offset
    windows = LocalWindows(clock)
    for _ in range(5):
        while (verdict := windows.hit("a", rate)).allowed:
            clock.now += 0.25
        assert verdict.reset >= 1
        clock.now += verdict.reset
        assert windows.hit("a", rate).allowed


def test_what_others_have_allowed_counts() -> None:
    """Calls that Redis has allowed are counted here too, so that its absence is no new start."""
    windows, rate = LocalWindows(Clock()), Rate(3, 60)
    windows.note("a", rate)
    windows.note("a", rate)
    assert windows.hit("a", rate).allowed
    assert not windows.hit("a", rate).allowed


def test_memory_is_bounded() -> None:
    """However many clients there are, those seen last are remembered."""
    windows, rate = LocalWindows(Clock(), most=10), Rate(1, 60)
    for number in range(100):
        assert windows.hit(f"client {number}", rate).allowed
    assert not windows.hit("client 99", rate).allowed
    assert windows.hit("client 0", rate).allowed


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        ("127.0.0.1", True),
        ("127.8.8.8", True),
        ("::1", True),
        ("localhost", True),
        ("0.0.0.0", False),
        ("::", False),
        ("10.0.0.1", False),
        ("localhost.example.com", False),
        ("", False),
    ],
)
def test_loopback(host: str, loopback: bool) -> None:
    """An address is this machine's alone only where that is sure."""
    assert is_loopback(host) is loopback


@pytest.mark.parametrize(
    ("host", "client"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::9", "2001:db8:1:2::/64"),
        ("evil\r\nheader", "unknown"),
        (None, "unknown"),
    ],
)
def test_one_client(host: str | None, client: str) -> None:
    """All addresses that one customer of a provider has are one client, however they are written."""
    assert one_client(host) == client


def test_networks() -> None:
    """Proxies are addresses and networks; a word that is neither is named."""
    assert networks(" 10.0.0.0/8, ::1,192.0.2.1 ,") == ["10.0.0.0/8", "::1", "192.0.2.1"]
    for wrong in ("proxy", "10.0.0.1/8", "*", "10.0.0.0/33"):
        with pytest.raises(ValueError, match="neither an address nor a network"):
            networks(wrong)


def test_literals() -> None:
    """An address is told from a name, in brackets or not."""
    assert is_literal("[::1]")
    assert is_literal("10.0.0.1")
    assert not is_literal("a.example")
    assert not is_literal("[a]")
