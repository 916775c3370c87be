"""Whom a stream and a request are counted by, and when there are too many."""

import sys

import pytest

from pulse_events.errors import AddressLimitReached, LimitReached, StreamEnded
from pulse_events.web.admission import BURST_S, Admission, Limits


def admission(**limits: float) -> Admission:
    return Admission(Limits(**{"streams": 1000} | limits))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("proxies", "peer", "forwarded", "address"),
    [
        (0, "192.0.2.1", [], "192.0.2.1"),
        (0, "192.0.2.1", ["198.51.100.7"], "192.0.2.1"),
        (1, "192.0.2.1", ["198.51.100.7"], "198.51.100.7"),
        (1, "192.0.2.1", ["203.0.113.9, 198.51.100.7"], "198.51.100.7"),
        (1, "192.0.2.1", ["203.0.113.9", "198.51.100.7"], "198.51.100.7"),
        (2, "192.0.2.1", ["made up, 203.0.113.9, 198.51.100.7"], "203.0.113.9"),
        (3, "192.0.2.1", ["203.0.113.9, 198.51.100.7"], "203.0.113.9"),
        (1, "192.0.2.1", [], "192.0.2.1"),
        (1, "192.0.2.1", ["198.51.100.7:40000"], "198.51.100.7"),
        (0, "2001:db8:1:2:3:4:5:6", [], "2001:db8:1:2::/64"),
        (1, "192.0.2.1", ["[2001:db8:1:2::9]:443"], "2001:db8:1:2::/64"),
        (1, "192.0.2.1", ["fe80::1%eth0"], "fe80::/64"),
        (0, "::ffff:192.0.2.1", [], "192.0.2.1"),
        (1, "192.0.2.1", ["unknown"], "unknown"),
        (1, "192.0.2.1", ["x" * 1000], "x" * 64),
        (0, None, [], "unknown"),
    ],
)
def test_a_client_is_counted_by_its_address_or_its_ipv6_network(
    proxies: int, peer: str | None, forwarded: list[str], address: str
) -> None:
    assert admission(proxies=proxies).address_of(peer, forwarded) == address


def test_an_address_may_have_so_many_streams_and_others_are_not_affected() -> None:
    gate = admission(streams_per_address=2)
    gate.admit("a")
    gate.admit("a")
    with pytest.raises(AddressLimitReached, match="a has 2 streams open, the limit is 2") as found:
        gate.admit("a")
    assert found.value.counted_as == "refused_streams_of_address"
    gate.admit("b")
    gate.leave("a")
    gate.admit("a")


def test_an_address_may_have_so_many_unanswered_bindings_and_by_default_this_machine_any() -> None:
    assert admission(outstanding_bindings=3).outstanding_limit("127.0.0.1") == 3
    gate = admission()
    assert gate.outstanding_limit("192.0.2.1") == 2000
    for own in ("127.0.0.1", "127.0.0.2", "::1"):
        assert gate.outstanding_limit(own) == sys.maxsize


def test_by_default_an_address_may_have_a_thousand_streams_and_this_machine_any_number() -> None:
    gate = admission(streams=10_000)
    for _ in range(1000):
        gate.admit("192.0.2.1")
    with pytest.raises(AddressLimitReached, match="the limit is 1000"):
        gate.admit("192.0.2.1")
    for own in ("127.0.0.1", gate.address_of("::1", [])):
        for _ in range(1001):
            gate.admit(own)


def test_by_default_an_address_may_ask_a_thousand_times_a_second_and_this_machine_more() -> None:
    assert count(admission(), "192.0.2.1", 10_100, 5.0) == 10_000
    assert count(admission(), "127.0.0.1", 10_100, 5.0) == 10_100


def test_all_together_may_have_so_many_streams() -> None:
    gate = admission(streams=2)
    gate.admit("a")
    gate.admit("b")
    with pytest.raises(LimitReached, match="2 streams open, the limit is 2") as found:
        gate.admit("c")
    assert not isinstance(found.value, AddressLimitReached)
    assert found.value.counted_as == "refused_streams"
    gate.leave("a")
    gate.admit("c")


def test_nobody_is_admitted_once_it_is_closed() -> None:
    gate = admission()
    gate.close("enough")
    with pytest.raises(StreamEnded, match="enough"):
        gate.admit("a")


def count(gate: Admission, address: str, requests: int, now_s: float) -> int:
    """Return how many of so many requests were allowed."""
    allowed = 0
    for _ in range(requests):
        try:
            gate.count_request(address, now_s)
        except AddressLimitReached as reason:
            assert reason.counted_as == "refused_requests"
        else:
            allowed += 1
    return allowed


def test_requests_may_come_in_a_burst_and_then_at_the_rate() -> None:
    gate = admission(requests_per_s=2.0)
    burst = int(2 * BURST_S)
    assert count(gate, "a", burst + 5, 100.0) == burst
    assert count(gate, "a", 5, 101.0) == 2
    assert count(gate, "b", 5, 101.0) == 5
    assert count(gate, "a", burst + 5, 1000.0) == burst


def test_who_asks_all_the_time_is_allowed_the_rate_and_no_more() -> None:
    gate = admission(requests_per_s=1.0)
    allowed = sum(count(gate, "a", 1, tick / 10) for tick in range(1000))
    assert allowed == pytest.approx(BURST_S + 100, abs=2)


def test_addresses_that_ask_once_do_not_pile_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pulse_events.web.admission._ADDRESSES_LIMIT", 10)
    gate = admission()
    for number in range(100):
        gate.count_request(str(number), float(number))
    assert len(gate._requests) == 10
