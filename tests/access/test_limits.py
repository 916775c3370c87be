"""When an address has too much: streams, connections, work, or what it is given a share of."""

import pytest

from pulse_events.access.limits import BURST_S, AddressLimit, Admission, Limits
from pulse_events.errors import AddressLimitReached, LimitReached, StreamEnded
from pulse_events.web.addresses import Origins


def admission(**limits: float) -> Admission:
    return Admission(Limits(**{"streams": 1000} | limits))  # type: ignore[arg-type]


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


def test_by_default_an_address_may_have_a_thousand_streams_and_this_machine_any_number() -> None:
    gate = admission(streams=10_000)
    for _ in range(1000):
        gate.admit("192.0.2.1")
    with pytest.raises(AddressLimitReached, match="the limit is 1000"):
        gate.admit("192.0.2.1")
    for own in ("127.0.0.1", gate.address_of("::1", [])):
        for _ in range(1001):
            gate.admit(own)


def test_a_share_is_the_setting_for_all_or_the_default_for_all_but_this_machine() -> None:
    default, given = AddressLimit(None, 10), AddressLimit(5, 10)
    for other in ("192.0.2.1", "2001:db8::/64", "unknown", "forwarded 127.0.0.1", "forwarded ::1"):
        assert (default.of(other), given.of(other)) == (10, 5)
    for own in ("127.0.0.1", "::1"):
        assert default.of(own) > 1_000_000
        assert given.of(own) == 5


def test_by_default_a_peer_may_have_a_thousand_connections_and_this_machine_any_number() -> None:
    assert admission().connections_limit("192.0.2.1") == 1000
    assert admission().connections_limit("::ffff:127.0.0.1") > 1_000_000
    assert admission(connections_per_address=5).connections_limit("127.0.0.1") == 5


def test_the_connections_of_a_trusted_proxy_are_not_limited() -> None:
    limits = Limits(1000, connections_per_address=5)
    gate = Admission(limits, Origins(1))
    assert gate.connections_limit("10.0.0.1") > 1_000_000
    assert gate.connections_limit("192.0.2.1") == 5
    assert Admission(limits, Origins(0)).connections_limit("10.0.0.1") == 5


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


def count(gate: Admission, address: str, requests: int, now_s: float, *, cost: float = 1.0) -> int:
    """Return how many of so many requests were allowed."""
    allowed = 0
    for _ in range(requests):
        try:
            gate.count_request(address, now_s, cost)
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


def test_a_request_that_is_much_work_counts_as_many_and_may_be_owed() -> None:
    gate = admission(requests_per_s=10.0)
    assert count(gate, "a", 2, 0.0, cost=30) == 2
    assert count(gate, "a", 2, 0.0, cost=1000) == 1  # of 100, 40 were left
    with pytest.raises(AddressLimitReached, match="with many new bindings") as found:
        gate.count_request("a", 0.0)
    assert found.value.wait_s == pytest.approx(96.1)
    assert count(gate, "a", 1, 95.0) == 0
    assert count(gate, "a", 2, 97.0) == 2


def test_the_rate_holds_in_the_long_run_however_much_a_request_costs() -> None:
    gate = admission(requests_per_s=10.0)
    allowed = sum(count(gate, "a", 1, tick / 10, cost=250) for tick in range(10_000))
    assert allowed * 250 == pytest.approx(10 * (1000 + BURST_S), abs=250)


def test_addresses_that_ask_once_are_forgotten_when_they_have_their_allowance_again() -> None:
    gate = admission(requests_per_s=1.0)
    for number in range(1000):
        gate.count_request(str(number), float(number))
    assert len(gate._requests) <= 3


def test_addresses_that_owe_do_not_pile_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pulse_events.access.limits._ADDRESSES_LIMIT", 10)
    gate = admission()
    for number in range(100):
        gate.count_request(str(number), float(number), 1e9)
    assert len(gate._requests) == 10
