"""When an address has too much: streams, connections, or what it is given a share of."""

import pytest

from pulse_events.access.addresses import Origins
from pulse_events.access.limits import AddressLimit, Admission, Limits
from pulse_events.errors import AddressLimitReached, LimitReached, StreamEnded


def admission(streams: int = 1000, **of_address: int) -> Admission:
    limits = {name: AddressLimit(limit, 1000) for name, limit in of_address.items()}
    return Admission(Limits(streams, **limits))  # type: ignore[arg-type]  # names of limits


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


def test_a_forwarded_address_of_this_machine_has_no_privileges() -> None:
    gate = Admission(Limits(1000, AddressLimit(None, 1)), Origins(1))
    for _ in range(5):
        gate.admit(gate.address_of("127.0.0.1"))
    forwarded = gate.address_of("127.0.0.1", ["127.0.0.1"])
    gate.admit(forwarded)
    text = "forwarded 127.0.0.1 has 1 streams open, the limit is 1"
    with pytest.raises(AddressLimitReached, match=text):
        gate.admit(forwarded)


def test_by_default_a_peer_may_have_a_thousand_connections_and_this_machine_any_number() -> None:
    assert admission().connections_limit("192.0.2.1") == 1000
    assert admission().connections_limit("::ffff:127.0.0.1") > 1_000_000
    assert admission(connections_per_address=5).connections_limit("127.0.0.1") == 5


def test_the_connections_of_a_trusted_proxy_are_not_limited() -> None:
    limits = Limits(1000, connections_per_address=AddressLimit(5, 1000))
    gate = Admission(limits, Origins(1))
    assert gate.connections_limit("10.0.0.1") > 1_000_000
    assert gate.connections_limit("192.0.2.1") == 5
    assert Admission(limits, Origins(0)).connections_limit("10.0.0.1") == 5


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


def test_a_stream_that_is_nobodys_any_more_counts_among_all_alone() -> None:
    gate = admission(streams=2, streams_per_address=1)
    gate.admit("a")
    counted_by = gate.disown("a")
    gate.admit("a")
    with pytest.raises(LimitReached, match="this server has 2 streams open"):
        gate.admit("b")
    gate.leave(counted_by)
    gate.admit("b")


def test_nobody_is_admitted_once_it_is_closed() -> None:
    gate = admission()
    gate.close("enough")
    with pytest.raises(StreamEnded, match="enough"):
        gate.admit("a")
