"""How much an address may ask for: an allowance of simple requests, which runs up at a rate.

Knows addresses and what was asked for in simple requests, not what that was.  The clock is an
argument.
"""

from itertools import islice

from pulse_events.access.addresses import is_own
from pulse_events.errors import AddressLimitReached, Count

REQUESTS_PER_S = 1000.0
BURST_S = 10.0
"""Requests of so many seconds may come at once."""
ADDRESSES_LIMIT = 100_000
_FORGOTTEN_AT_ONCE = 2
"""More than one can come with a request, so that they get fewer; no more, so that it is cheap."""


class Allowances:
    """What each address has left of its allowance.

    Args:
        requests_per_s: Of one address; if ``None``, `REQUESTS_PER_S`, but for this machine's own
            addresses any number.
        addresses_limit: How many are remembered; more are forgotten, and have all again.
    """

    def __init__(
        self, requests_per_s: float | None = None, *, addresses_limit: int = ADDRESSES_LIMIT
    ) -> None:
        self._requests_per_s = requests_per_s
        self._addresses_limit = addresses_limit
        self._left: dict[str, tuple[float, float]] = {}  # how much, when; oldest first

    def __len__(self) -> int:
        """Number of addresses that are remembered."""
        return len(self._left)

    def count(self, address: str, now_s: float, cost: float = 1.0) -> None:
        """Count a request, or more work for one, of so many simple requests' cost.

        What is left of an address's allowance need not suffice: it only has to be a request's, and
        what is missing is owed.  So no request can be too big ever to be allowed, and in the long
        run the rate holds.

        Raises:
            AddressLimitReached: There was too much for some time.
        """
        rate = self._requests_per_s
        if rate is None:
            if is_own(address):
                return
            rate = REQUESTS_PER_S
        most = max(1.0, rate * BURST_S)
        left, then_s = self._left.pop(address, (most, now_s))
        left = min(most, left + rate * (now_s - then_s))
        is_allowed = left >= 1
        self._left[address] = (left - cost * is_allowed, now_s)
        self._forget(rate, most, now_s)
        if not is_allowed:
            raise AddressLimitReached(
                f"too many requests from {address}: the limit is {rate:g} a second, and those with "
                "many new bindings or a long body count more; wait, and ask less often",
                Count.REFUSED_REQUESTS,
                wait_s=(1 - left) / rate,
            )

    def _forget(self, rate: float, most: float, now_s: float) -> None:
        """Forget who has asked for nothing as long as it takes to have all allowance again."""
        for address in tuple(islice(self._left, _FORGOTTEN_AT_ONCE)):
            left, then_s = self._left[address]
            if left + rate * (now_s - then_s) < most and len(self._left) <= self._addresses_limit:
                break
            del self._left[address]
