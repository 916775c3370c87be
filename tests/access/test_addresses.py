"""Whom a request is counted by, whatever its peer and its header say."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pulse_events.access.addresses import PRIVATE_NETWORKS, Origins, is_own

KEY = re.compile(r"unknown|(forwarded )?[0-9a-f.:]{2,45}(/64)?")
"""All that a key may look like; it stands in logs and errors."""


@pytest.mark.parametrize(
    ("peer", "key"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("127.0.0.1", "127.0.0.1"),
        ("::1", "::1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("::ffff:127.0.0.1", "127.0.0.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        (None, "unknown"),
    ],
)
def test_a_peer_is_counted_by_its_address_or_its_ipv6_network(peer: str | None, key: str) -> None:
    assert Origins().address_of(peer, ["198.51.100.7"]) == key


@pytest.mark.parametrize(
    ("hop", "key"),
    [
        ("198.51.100.7:40000", "198.51.100.7"),
        (" 198.51.100.7 ", "198.51.100.7"),
        ("[2001:db8:1:2::9]:443", "2001:db8:1:2::/64"),
        ("[2001:db8:1:2::9]", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::9", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("[::ffff:198.51.100.7]:1", "198.51.100.7"),
        ("unknown", "unknown"),
        ("_hidden", "unknown"),
        ("", "unknown"),
        ("127.evil", "unknown"),
        ("127.0.0.1\r\nX: y", "unknown"),
        ("x" * 70_000, "unknown"),
        ("١٢٧.0.0.1", "unknown"),
    ],
)
def test_a_hop_may_be_written_in_many_ways(hop: str, key: str) -> None:
    assert Origins(1).address_of("127.0.0.1", [hop]) == key


@pytest.mark.parametrize(
    ("proxies", "peer", "forwarded", "key"),
    [
        (1, "10.0.0.1", ["198.51.100.7"], "198.51.100.7"),
        (1, "10.0.0.1", ["203.0.113.9, 198.51.100.7"], "198.51.100.7"),
        (1, "10.0.0.1", ["203.0.113.9", "198.51.100.7"], "198.51.100.7"),
        (1, "10.0.0.1", [], "10.0.0.1"),
        (2, "10.0.0.1", ["made up, 203.0.113.9, 10.0.0.2"], "203.0.113.9"),
        (3, "10.0.0.1", ["203.0.113.9, 10.0.0.2"], "203.0.113.9"),
        (3, "10.0.0.1", ["192.168.1.1"], "192.168.1.1"),
    ],
)
def test_of_the_hops_the_one_before_the_trusted_proxies_counts(
    proxies: int, peer: str, forwarded: list[str], key: str
) -> None:
    assert Origins(proxies).address_of(peer, forwarded) == key


@pytest.mark.parametrize(
    ("peer", "forwarded", "key"),
    [
        ("192.0.2.1", ["203.0.113.9, 10.0.0.2"], "192.0.2.1"),
        ("10.0.0.1", ["10.0.0.3, 192.0.2.1"], "192.0.2.1"),
        ("10.0.0.1", ["203.0.113.9, 10.0.0.3, 10.0.0.2"], "10.0.0.3"),
        ("10.0.0.1", ["203.0.113.9, nonsense"], "unknown"),
        (None, ["203.0.113.9"], "unknown"),
    ],
    ids=["no proxy", "came in behind the first", "in the middle", "garbage", "no address"],
)
def test_what_somebody_says_who_is_in_no_trusted_network_does_not_count(
    peer: str | None, forwarded: list[str], key: str
) -> None:
    assert Origins(2).address_of(peer, forwarded) == key


@pytest.mark.parametrize(
    ("proxies", "peer", "forwarded", "doubts"),
    [
        (0, "10.0.0.1", "203.0.113.9", True),
        (1, "10.0.0.1", "203.0.113.9", False),
        (1, "10.0.0.1", "10.0.0.2, 203.0.113.9", False),
        (1, "192.0.2.1", "203.0.113.9", True),
        (2, "10.0.0.1", "203.0.113.9, 192.0.2.1", True),
        (2, "10.0.0.1", "203.0.113.9, 10.0.0.2", False),
        (2, "10.0.0.1", "203.0.113.9", False),
    ],
)
def test_it_is_known_whether_a_hop_did_not_count(
    proxies: int, peer: str, forwarded: str, doubts: bool
) -> None:
    assert Origins(proxies).doubts(peer, [forwarded]) == doubts


def test_the_networks_of_proxies_may_be_others() -> None:
    origins = Origins(1, ["192.0.2.0/24", "2001:db8::/32"])
    for peer in ("192.0.2.7", "2001:db8::1", "::ffff:192.0.2.9"):
        assert origins.address_of(peer, ["203.0.113.9"]) == "203.0.113.9"
    assert origins.address_of("127.0.0.1", ["203.0.113.9"]) == "127.0.0.1"


@pytest.mark.parametrize(
    ("peer", "is_near"),
    [
        *((peer, True) for peer in ("127.0.0.1", "::1", "10.1.2.3", "172.31.0.1", "192.168.9.9")),
        *((peer, True) for peer in ("100.64.0.1", "169.254.1.1", "fd00::1", "fe80::1%eth0")),
        *((peer, False) for peer in ("172.32.0.1", "100.128.0.1", "8.8.8.8", "2001:db8::1", None)),
    ],
)
def test_proxies_are_looked_for_on_this_machine_and_in_private_networks(
    peer: str | None, is_near: bool
) -> None:
    assert Origins(0).is_near(peer) == Origins(1).is_proxy(peer) == is_near
    assert not Origins(0).is_proxy(peer)


@pytest.mark.parametrize("own", ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"])
def test_only_who_is_connected_directly_from_this_machine_is_its_own(own: str) -> None:
    assert is_own(Origins(1).address_of(own, []))
    forwarded = Origins(1).address_of("127.0.0.1", [own])
    assert forwarded.startswith("forwarded ")
    assert not is_own(forwarded)


addresses = st.one_of(
    st.ip_addresses().map(str),
    st.ip_addresses(network="127.0.0.0/8").map(str),
    st.sampled_from(
        ["::1", "::ffff:127.0.0.1", "127.evil", "127.0.0.1.", "unknown", "_x", "", "["]
    ),
)
decorated = st.tuples(
    st.sampled_from(["", " ", "[", "[["]),
    addresses,
    st.sampled_from(["", "]", "]:1", ":1", "%eth0", "%", "%25" * 30, "\x00", "\t", ":::", "]]"]),
).map("".join)
hops = st.one_of(decorated, st.text(max_size=100), st.binary(max_size=50).map(repr))
fields = st.lists(st.lists(hops, max_size=6).map(",".join), max_size=4)


@given(
    proxies=st.integers(0, 100),
    networks=st.lists(st.sampled_from([*PRIVATE_NETWORKS, "0.0.0.0/0", "::/0"]), max_size=3),
    peer=st.one_of(st.none(), decorated, st.text(max_size=100)),
    forwarded=fields,
)
def test_whatever_comes_in_the_key_is_short_and_harmless(
    proxies: int, networks: list[str], peer: str | None, forwarded: list[str]
) -> None:
    origins = Origins(proxies, networks)
    key = origins.address_of(peer, forwarded)
    assert KEY.fullmatch(key)
    if is_own(key):
        assert key == origins.address_of(peer, [])


@given(proxies=st.integers(1, 5), forged=st.text(max_size=200), client=st.ip_addresses(v=4))
def test_what_stands_before_the_proxies_entries_makes_no_difference(
    proxies: int, forged: str, client: object
) -> None:
    real = ", ".join([str(client), *["10.0.0.1"] * (proxies - 1)])
    origins = Origins(proxies)
    assert origins.address_of("10.0.0.9", [forged, real]) == origins.address_of("10.0.0.9", [real])
