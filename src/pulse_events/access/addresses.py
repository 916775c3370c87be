"""Whom a request is counted by: its peer, or who stands behind the proxies that are trusted.

Knows addresses and networks, nothing of HTTP, nor what is counted or limited.  All that comes in
may be made up; what goes out is short, of few characters, and safe in logs and errors.
"""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

IPAddress = IPv4Address | IPv6Address

PRIVATE_NETWORKS = (
    "127.0.0.0/8",
    "::1/128",
    "10.0.0.0/8",
    "172.16.0.0/12",
    "192.168.0.0/16",
    "100.64.0.0/10",  # shared address space (RFC 6598): clouds give it to pods, ingresses included
    "169.254.0.0/16",
    "fc00::/7",
    "fe80::/10",
)
UNKNOWN = "unknown"
"""What all are counted by of whom no address is known."""

_FORWARDED = "forwarded "
_TEXT_LIMIT = 64
"""Longer than any address with brackets, zone and port."""
_CACHED = 4096
_IPV6_HOST_BITS = 64
"""A network gets at least a /64: whoever has one has all of its addresses."""


class Origins:
    """Tells whom a request comes from.

    Args:
        proxies: How many proxies in front of this server add to ``X-Forwarded-For``.
        networks: Where they are.
    """

    def __init__(self, proxies: int = 0, networks: Iterable[str] = PRIVATE_NETWORKS) -> None:
        self.proxies = proxies
        self._networks = tuple(map(ip_network, networks))
        self._lies_within = lru_cache(_CACHED)(self._lies_within_network)

    def address_of(self, peer: str | None, forwarded: Sequence[str]) -> str:
        """Return what a request is counted by: an IPv4 address, or an IPv6 network.

        Args:
            peer: The other end of the connection.
            forwarded: The request's ``X-Forwarded-For`` fields.  Each proxy adds at the end whom it
                talks to, so what stands before the entries of trusted proxies may be made up, and
                so may all that somebody outside of their networks says.
        """
        if not self.proxies or not forwarded:
            return _key_in(peer or "")
        address, counting, _ = self._follow(peer, forwarded)
        key = _key_of(address)
        return f"{_FORWARDED}{key}" if counting and is_own(key) else key

    def doubts(self, peer: str | None, forwarded: Sequence[str]) -> bool:
        """Tell whether fewer hops count than there are for as many proxies, at least for one."""
        _, counting, there = self._follow(peer, forwarded)
        return counting < max(1, there)

    def is_near(self, peer: str | None) -> bool:
        """Tell whether a peer is where proxies are, trusted or not."""
        address = _parse(peer or "")
        return address is not None and self._lies_within(address)

    def is_proxy(self, peer: str | None) -> bool:
        """Tell whether a peer speaks for others."""
        return self.proxies > 0 and self.is_near(peer)

    def _follow(
        self, peer: str | None, forwarded: Sequence[str]
    ) -> tuple[IPAddress | None, int, int]:
        """Return whom the last trusted proxy spoke to, how many hops that is, and of how many."""
        address, counting = _parse(peer or ""), 0
        # Split from the right: the rest of the field may be 64 KiB of commas.
        hops = ",".join(forwarded).rsplit(",", self.proxies)[::-1][: self.proxies]
        for hop in hops:
            if address is None or not self._lies_within(address):
                break
            address, counting = _parse(hop), counting + 1
        return address, counting, len(hops)

    def _lies_within_network(self, address: IPAddress) -> bool:
        return any(address in network for network in self._networks)


def is_own(key: str) -> bool:
    """Tell whether ``key`` is this machine's own address, connected without a proxy between."""
    return key.startswith("127.") or key == "::1"


def _parse(text: str) -> IPAddress | None:
    """Return the address in a text that may also have brackets, a zone, a port; if it has one."""
    host = text.strip()
    return _address_in(host) if len(host) <= _TEXT_LIMIT else None


@lru_cache(_CACHED)
def _address_in(host: str) -> IPAddress | None:
    if host.startswith("["):
        host = host[1:].partition("]")[0]
    elif host.count(":") == 1:
        host = host.partition(":")[0]
    try:
        address = ip_address(host.partition("%")[0])
    except ValueError:
        return None
    return (address.ipv4_mapped if isinstance(address, IPv6Address) else None) or address


@lru_cache(_CACHED)
def _key_in(peer: str) -> str:
    return _key_of(_parse(peer))


def _key_of(address: IPAddress | None) -> str:
    if address is None:
        return UNKNOWN
    if isinstance(address, IPv4Address) or address.is_loopback:
        return str(address)
    network = int(address) >> _IPV6_HOST_BITS << _IPV6_HOST_BITS
    return f"{IPv6Address(network)}/{_IPV6_HOST_BITS}"
