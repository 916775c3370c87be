"""How much an address may ask for: bursts, the rate in the long run, and what is owed."""

import pytest

from pulse_events.access.rate import BURST_S, Allowances
from pulse_events.errors import AddressLimitReached


def count(
    allowances: Allowances, address: str, requests: int, now_s: float, *, cost: float = 1.0
) -> int:
    """Return how many of so many requests were allowed."""
    allowed = 0
    for _ in range(requests):
        try:
            allowances.count(address, now_s, cost)
        except AddressLimitReached as reason:
            assert reason.counted_as == "refused_requests"
        else:
            allowed += 1
    return allowed


def test_requests_may_come_in_a_burst_and_then_at_the_rate() -> None:
    allowances = Allowances(2.0)
    burst = int(2 * BURST_S)
    assert count(allowances, "a", burst + 5, 100.0) == burst
    assert count(allowances, "a", 5, 101.0) == 2
    assert count(allowances, "b", 5, 101.0) == 5
    assert count(allowances, "a", burst + 5, 1000.0) == burst


def test_who_asks_all_the_time_is_allowed_the_rate_and_no_more() -> None:
    allowances = Allowances(1.0)
    allowed = sum(count(allowances, "a", 1, tick / 10) for tick in range(1000))
    assert allowed == pytest.approx(BURST_S + 100, abs=2)


def test_a_request_that_is_much_work_counts_as_many_and_may_be_owed() -> None:
    allowances = Allowances(10.0)
    assert count(allowances, "a", 2, 0.0, cost=30) == 2
    assert count(allowances, "a", 2, 0.0, cost=1000) == 1  # of 100, 40 were left
    with pytest.raises(AddressLimitReached, match="with many new bindings") as found:
        allowances.count("a", 0.0)
    assert found.value.wait_s == pytest.approx(96.1)
    assert count(allowances, "a", 1, 95.0) == 0
    assert count(allowances, "a", 2, 97.0) == 2


def test_the_rate_holds_in_the_long_run_however_much_a_request_costs() -> None:
    allowances = Allowances(10.0)
    allowed = sum(count(allowances, "a", 1, tick / 10, cost=250) for tick in range(10_000))
    assert allowed * 250 == pytest.approx(10 * (1000 + BURST_S), abs=250)


def test_addresses_that_ask_once_are_forgotten_when_they_have_their_allowance_again() -> None:
    allowances = Allowances(1.0)
    for number in range(1000):
        allowances.count(str(number), float(number))
    assert len(allowances) <= 3


def test_addresses_that_owe_do_not_pile_up() -> None:
    allowances = Allowances(addresses_limit=10)
    for number in range(100):
        allowances.count(str(number), float(number), 1e9)
    assert len(allowances) == 10


def test_by_default_an_address_may_ask_a_thousand_times_a_second_and_this_machine_more() -> None:
    assert count(Allowances(), "192.0.2.1", 10_100, 5.0) == 10_000
    assert count(Allowances(), "127.0.0.1", 10_100, 5.0) == 10_100
